/** The tables of a run in Markdown: what was asked for and reached, and one of all ways. Pure. */
import { kindNames } from '../load/content.ts';
import type { HopFigures } from '../hop/one-hop.ts';
import type { Comparison, Measure } from '../report/comparisons.ts';
import type { Figures, ProcessName, Spread } from '../report/figures.ts';
import { aligned, peak, spread } from '../report/table.ts';
import { machineText } from '../stage/machine.ts';
import { footprintLines, growthLines, policyTable } from './other-tables.ts';
import { reachOf, type Reached } from './reach.ts';
import type { Speed, SpeedRun } from './speed.ts';
import { wayName } from './way-names.ts';

const cellTitles = ['message', 'sessions', 'a connection', 'through'];

export function speedTableOf(run: SpeedRun): string {
  const figures = [...(run.hop?.figures ?? []), ...(run.doors?.figures ?? [])];
  return [
    '# Speed',
    '',
    ...preamble(run),
    '',
    '## Reach',
    '',
    ...reachTable(run),
    '',
    ...section(figures, 'Every way', everyWay),
    ...section(run.hop?.comparisons ?? [], 'One beside the other', besideTable),
    ...section(run.doors?.comparisons ?? [], 'Through Postfix, one beside the other', besideTable),
    ...section(run.doors?.policy ?? [], 'Policy requests', policyTable),
    ...footprintLines(run),
    ...growthLines(run),
  ].join('\n');
}

function preamble({ time, machine, hop, doors }: SpeedRun): string[] {
  const { loadBefore } = machine;
  return [
    `${time}; ${machineText(machine)};`,
    `load average before the run ${loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    '',
    'Median (least to most) of all repeats, which are interleaved. All processes share the cores. No content comes',
    'twice. clamgate runs as its unit runs it, with the ledger on. How each figure is taken: ../README.md.',
    ...(hop ? [hopText(hop.options)] : []),
    ...(doors
      ? [
          `Through Postfix: ${doors.options.repeats} repeats of ${doors.options.seconds} s, until the queue is empty.`,
        ]
      : []),
    ...(hop ? ['', '![messages a second beside clamd alone](speed.svg)'] : []),
  ];
}

function hopText({ repeats, seconds, signatures, standIn }: HopFigures['options']): string {
  const clamd = standIn
    ? 'in place of clamd a stand-in that only reads.'
    : `clamd with ${signatures} random signatures.`;
  return `One hop: ${repeats} repeats of ${seconds} s, ${clamd}`;
}

/** Nothing at all where there is nothing to be shown. */
function section<T>(
  rows: readonly T[],
  title: string,
  table: (rows: readonly T[]) => string[],
): string[] {
  return rows.length === 0 ? [] : [`## ${title}`, '', ...table(rows), ''];
}

export function reachTable(speed: Speed): string[] {
  return aligned([['what', 'asked', 'came to', 'reached'], ...reachOf(speed).map(reachRow)]);
}

function reachRow({ goal, came, reached }: Reached): string[] {
  const { what, bound, asked, unit, decimals } = goal;
  const value = came === undefined ? '' : `${spread(came, decimals)}${unit}`;
  return [what, `${bound} ${asked}${unit}`, value, reached];
}

function everyWay(figures: readonly Figures[]): string[] {
  const titles = ['messages', 'messages/s', 'p50 ms', 'p95 ms', 'p99 ms'];
  const cpus = ['filter CPU', 'clamd CPU', 'Postfix CPU', 'sink CPU', 'load CPU'];
  return [
    'CPU in seconds for 1,000 messages, memory as the most that was resident, in MiB. "load" is the load itself. A',
    'program of several processes counts with all of them, and what they share in each. "messages": in all repeats.',
    '',
    ...aligned([
      [...cellTitles, ...titles, ...cpus, 'filter MiB', 'clamd MiB'],
      ...figures.map(figuresRow),
    ]),
  ];
}

function figuresRow(row: Figures): string[] {
  const { p50, p95, p99 } = row.latencyMs;
  const cpu = (name: ProcessName): string => spread(row.cpu[name], 2);
  const between = (['clamgate', 'floor', 'filter'] as const).find((name) => row.cpu[name]);
  return [
    ...cellOf(row),
    ...[String(row.messages), spread(row.rate, row.rate.median < 100 ? 1 : 0)],
    ...[p50, p95, p99].map(msText),
    ...[between ? cpu(between) : '', cpu('clamd'), cpu('postfix'), cpu('sink'), cpu('load')],
    ...[peak(between && row.peakBytes[between]), peak(row.peakBytes.clamd)],
  ];
}

const measureNames: Readonly<Record<Measure, string>> = {
  rate: 'of',
  'added p50': 'ms more than',
  cpu: 'CPU ×',
};

/** A row for each way and load, a column for each that it is held beside. */
function besideTable(comparisons: readonly Comparison[]): string[] {
  const rows = byText(comparisons, (one) => cellOf(one).join('|'));
  const columns = [...byText(comparisons, besideText).keys()];
  return [
    'Repeat by repeat, so that what slows the machine down slows both. "of": messages/s as a share of the other\'s;',
    '"ms more than": p50; "CPU ×": of the filter, as a multiple of the other\'s.',
    '',
    ...aligned([
      [...cellTitles, ...columns],
      ...[...rows.values()].map((row) => [
        ...(row[0] ? cellOf(row[0]) : []),
        ...columns.map((column) => spread(row.find((one) => besideText(one) === column)?.value, 2)),
      ]),
    ]),
  ];
}

function besideText({ against, measure }: Comparison): string {
  return `${measureNames[measure]} ${wayName(against)}`;
}

function byText<T>(all: readonly T[], text: (one: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(text(one), [...(groups.get(text(one)) ?? []), one]);
  return groups;
}

function cellOf(cell: Pick<Figures, 'variant' | 'kind' | 'sessions' | 'perConnection'>): string[] {
  const { variant, kind, sessions, perConnection } = cell;
  const each = perConnection === 0 ? '' : String(perConnection);
  return [kindNames[kind], String(sessions), each, wayName(variant)];
}

function msText(figure: Spread): string {
  return spread(figure, figure.median < 100 ? 1 : 0);
}
