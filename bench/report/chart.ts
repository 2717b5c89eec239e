/** A chart of horizontal bars in panels, each with the spread of its value, as SVG. Pure. */
import type { Spread } from './figures.ts';

export interface Chart {
  readonly title: string;
  /** Below the title, a line each. */
  readonly words: readonly string[];
  /** What the axis, which all panels share, shows. */
  readonly axis: string;
  readonly panels: readonly Panel[];
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: Spread;
  /** Behind the bar. */
  readonly note: string;
  /** What the chart is about. */
  readonly accent: boolean;
}

const size = { width: 900, margin: 24, label: 230, plot: 470 } as const;
const line = { title: 30, words: 18, panel: 34, bar: 24, axis: 44 } as const;
const barHeight = 14;
const ink = {
  paper: '#ffffff',
  text: '#1f2933',
  faint: '#52606d',
  grid: '#d9e2ec',
  bar: '#9fb3c8',
  accent: '#0967d2',
  spread: '#102a43',
} as const;
/** So that there are at most about eight of them. */
const tickSteps = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10];
const ticksMax = 8;

const left = size.margin + size.label;

export function svgOf(chart: Chart): string {
  const values = chart.panels.flatMap(({ bars }) => bars.map(({ value }) => value.max));
  const ticks = ticksUpTo(Math.max(1, ...values));
  const scale = size.plot / (ticks.at(-1) ?? 1);
  const top = size.margin + line.title + chart.words.length * line.words;
  const bottom = top + chart.panels.reduce((sum, panel) => sum + heightOf(panel), 0);
  const height = bottom + line.axis + size.margin;
  let y = top;
  const panels = chart.panels.map((panel) => {
    const drawn = panelAt(panel, y, scale);
    y += heightOf(panel);
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" width="${size.width}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13" role="img">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${size.width}" height="${height}" fill="${ink.paper}"/>`,
    ...headOf(chart),
    ...ticks.flatMap((tick) => gridLine(tick, scale, top, bottom)),
    text(left + size.plot / 2, bottom + 38, chart.axis, { anchor: 'middle', fill: ink.faint }),
    ...panels.flat(),
    '</svg>',
    '',
  ].join('\n');
}

/** From 0 on, the last at or above `most`. */
export function ticksUpTo(most: number): number[] {
  const step = tickSteps.find((each) => most / each <= ticksMax) ?? most;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toFixed(2)));
}

function headOf({ title, words }: Chart): string[] {
  const first = size.margin + 12;
  return [
    text(size.margin, first, title, { weight: 'bold', size: 17 }),
    ...words.map((each, index) =>
      text(size.margin, first + 22 + index * line.words, each, { fill: ink.faint }),
    ),
  ];
}

function gridLine(tick: number, scale: number, top: number, bottom: number): string[] {
  const x = number(left + tick * scale);
  return [
    `<line x1="${x}" y1="${top}" x2="${x}" y2="${bottom}" stroke="${tick === 1 ? ink.faint : ink.grid}"/>`,
    text(left + tick * scale, bottom + 18, String(tick), { anchor: 'middle', fill: ink.faint }),
  ];
}

function heightOf({ bars }: Panel): number {
  return line.panel + bars.length * line.bar;
}

function panelAt({ title, bars }: Panel, top: number, scale: number): string[] {
  return [
    text(size.margin, top + line.panel - 10, title, { weight: 'bold' }),
    ...bars.flatMap((bar, index) => barAt(bar, top + line.panel + index * line.bar, scale)),
  ];
}

function barAt({ label, value, note, accent }: Bar, top: number, scale: number): string[] {
  const middle = top + line.bar / 2;
  const [low, high] = [left + value.min * scale, left + value.max * scale].map(number);
  const width = number(value.median * scale);
  const fill = accent ? ink.accent : ink.bar;
  const end = (x = '0'): string =>
    `<line x1="${x}" y1="${middle - 4}" x2="${x}" y2="${middle + 4}" stroke="${ink.spread}"/>`;
  const weight = accent ? 'bold' : 'normal';
  return [
    text(left - 10, middle + 4, label, { anchor: 'end', weight }),
    `<rect x="${left}" y="${middle - barHeight / 2}" width="${width}" height="${barHeight}" fill="${fill}"/>`,
    `<line x1="${low ?? ''}" y1="${middle}" x2="${high ?? ''}" y2="${middle}" stroke="${ink.spread}"/>`,
    ...[end(low), end(high)],
    text(left + size.plot + 12, middle + 4, note, { weight }),
  ];
}

interface Look {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: 'normal' | 'bold';
  readonly fill?: string;
  readonly size?: number;
}

function text(x: number, y: number, words: string, look: Look): string {
  const { anchor = 'start', weight = 'normal', fill = ink.text } = look;
  const fontSize = look.size === undefined ? '' : ` font-size="${look.size}"`;
  return `<text x="${number(x)}" y="${number(y)}" text-anchor="${anchor}" font-weight="${weight}" fill="${fill}"${fontSize}>${escaped(words)}</text>`;
}

function number(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
