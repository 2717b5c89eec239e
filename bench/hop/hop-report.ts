/** The table of a benchmark, in Markdown, readable as it stands. */
import type { Kind } from '../load/content.ts';
import type { Cell, CpuRatio, Figures, Ratio, Spread } from '../report/figures.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import type { Options } from '../options.ts';
import type { ProcessName } from '../stage/stage.ts';

export interface Report {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
  readonly options: Pick<Options, 'repeats' | 'seconds' | 'signatures' | 'steadySeconds'>;
  readonly figures: readonly Figures[];
  readonly ratios: readonly Ratio[];
  readonly cpuRatios: readonly CpuRatio[];
}

const messages: Record<Kind, string> = {
  'text-4k': '4 KiB text',
  'attachment-100k': '100 KiB, attachment',
};
const names: Readonly<Record<string, string>> = {
  sink: 'smtp-sink alone',
  clamd: 'clamd alone',
  floor: 'the least (floor.ts)',
  clamgate: 'clamgate',
};

function nameOf(variant: Cell['variant']): string {
  return names[variant] ?? variant;
}

const cellTitles = ['message', 'sessions', 'a connection'];

const MiB = 1024 * 1024;

export function tableOf(report: Report): string {
  return [
    '# Through one hop',
    '',
    ...preamble(report),
    '',
    ...aligned([
      [...cellTitles, 'through', 'messages/s', 'p50 ms', 'p99 ms'],
      ...report.figures.map(speedRow),
    ]),
    '',
    'CPU seconds for 1,000 messages ("load" is the load itself, which shares the cores), and the most resident',
    'memory in MiB:',
    '',
    ...aligned([
      [
        ...cellTitles,
        'through',
        ...['clamgate', 'floor', 'clamd', 'sink', 'load'].map(cpuTitle),
        'clamgate MiB',
        'clamd MiB',
      ],
      ...report.figures.map(useRow),
    ]),
    '',
    "clamgate's messages/s as a share of the others':",
    '',
    ...aligned([[...cellTitles, 'against', 'ratio'], ...report.ratios.map(ratioRow)]),
    '',
    "clamgate's CPU time as a multiple of that of the least program in its place, and of clamd's for the same messages:",
    '',
    ...aligned([[...cellTitles, 'against', 'ratio'], ...report.cpuRatios.map(cpuRatioRow)]),
    '',
  ].join('\n');
}

function preamble({ time, machine, options }: Report): string[] {
  const { repeats, seconds, signatures, steadySeconds } = options;
  return [
    `${time}; ${machineText(machine)};`,
    `load average before the run ${machine.loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    '',
    `clamd has ${signatures} random signatures and sees each message for the first time. All processes share the`,
    `cores. Median (least to most) of ${repeats} repeats of ${seconds} s, interleaved, after ${steadySeconds} s of each message`,
    'through clamgate. "a connection": messages on one SMTP connection; Postfix keeps connections under load.',
    'clamgate runs with the NODE_OPTIONS of systemd/clamgate.service.',
    'clamd alone is sent the streams that clamgate sends: the whole message, then each decoded part.',
  ];
}

function speedRow(row: Figures): string[] {
  const { p50, p99 } = row.latencyMs;
  return [...cellOf(row), nameOf(row.variant), spread(row.rate, 0), spread(p50, 1), spread(p99, 1)];
}

function useRow(row: Figures): string[] {
  const cpu = (name: ProcessName): string => spread(row.cpu[name], 2);
  const memory = (name: ProcessName): string => peak(row.peakBytes[name]);
  return [
    ...cellOf(row),
    nameOf(row.variant),
    ...[cpu('clamgate'), cpu('floor'), cpu('clamd'), cpu('sink'), cpu('load')],
    ...[memory('clamgate'), memory('clamd')],
  ];
}

function cpuRatioRow(row: CpuRatio): string[] {
  return [
    ...cellOf(row),
    row.against === 'clamd' ? 'clamd' : nameOf('floor'),
    spread(row.ratio, 2),
  ];
}

function ratioRow(row: Ratio): string[] {
  return [...cellOf(row), nameOf(row.against), spread(row.ratio, 2)];
}

function cellOf(cell: Cell): string[] {
  const { variant, kind, sessions, perConnection } = cell;
  const each = variant === 'clamd' ? '' : String(perConnection);
  return [messages[kind], String(sessions), each];
}

function cpuTitle(name: string): string {
  return `${name} CPU s`;
}

export function spread(figure: Spread | undefined, decimals: number): string {
  if (figure === undefined) return '';
  const [median, min, max] = [figure.median, figure.min, figure.max].map((each) =>
    each.toFixed(decimals),
  );
  return min === max ? `${median}` : `${median} (${min} to ${max})`;
}

export function peak(figure: Spread | undefined): string {
  return figure === undefined ? '' : (figure.max / MiB).toFixed(0);
}

/** Columns as wide as their widest cell, so that it can be read without a renderer. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}
