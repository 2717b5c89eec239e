/** The tables of what clamgate's bounds came to, in Markdown, readable as they stand. */
import type { BoundsFigures, Cost } from './bounds.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import { aligned } from '../report/table.ts';

export interface BoundsReport extends BoundsFigures {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}

const MB = 1_000_000;
/** Below it what each message costs, whatever its size, is not small beside its bytes. */
const baseBytes = MB;

export function boundsTableOf(report: BoundsReport): string {
  const { time, machine, costs, firsts } = report;
  const kinds = [...new Set(costs.map(({ kind }) => kind))];
  const sizes = [...new Set(costs.map(({ bytes }) => bytes))];
  const rows = (cell: (cost: Cost) => string): string[][] =>
    kinds.map((kind) => [kind, ...sizes.map((bytes) => cellOf(costs, { kind, bytes }, cell))]);
  const titles = ['message', ...sizes.map(sizeText)];
  const firstTitle = `first, ${sizeText(firsts[0]?.bytes ?? 0)}`;
  const holds = rows(holdText).map(([kind = '', ...cells], index) => {
    const first = firsts[index];
    return [kind, first === undefined ? '' : holdText(first), ...cells];
  });
  return [
    '# Bounds',
    '',
    `${time}, ${machineText(machine)}. Load average before: ${machine.loadBefore.toFixed(1)}.`,
    '',
    "The daemon's CPU time in nanoseconds for each byte of a message, all threads, with a clamd that only reads;",
    `in parentheses as a multiple of that of ${sizeText(baseBytes)}. Small messages have in it what any message costs.`,
    '',
    ...aligned([titles, ...rows((cost) => nsText(cost, costs))]),
    '',
    'The longest the event loop was held meanwhile, in milliseconds: CPU time of its thread from one tick of a',
    'timer of 4 ms in the daemon to the next, and in parentheses how late that timer came by the clock, which',
    'counts what other processes did on these cores, too. "First" is the first message that a daemon gets: it',
    'loads mailparser, and nothing is compiled yet. (A warm daemon has had each kind.)',
    '',
    ...aligned([[titles[0] ?? '', firstTitle, ...titles.slice(1)], ...holds]),
    '',
    'What was found in them, beside clean (of what would take a minute of CPU time, nothing was sent):',
    '',
    ...aligned([titles, ...rows(({ found }) => found.join(', '))]),
    '',
  ].join('\n');
}

function cellOf(
  costs: readonly Cost[],
  { kind, bytes }: Pick<Cost, 'kind' | 'bytes'>,
  cell: (cost: Cost) => string,
): string {
  const cost = costs.find((one) => one.kind === kind && one.bytes === bytes);
  return cost === undefined ? '' : cell(cost);
}

function nsText({ kind, bytes, cpuNs }: Cost, costs: readonly Cost[]): string {
  const base = costs.find((one) => one.kind === kind && one.bytes === baseBytes);
  const ns = cpuNs.toFixed(0);
  return base === undefined || bytes <= baseBytes
    ? ns
    : `${ns} (${(cpuNs / base.cpuNs).toFixed(2)})`;
}

function holdText({ computingMs, lateMs }: Pick<Cost, 'computingMs' | 'lateMs'>): string {
  return `${computingMs.toFixed(0)} (${lateMs.toFixed(0)})`;
}

function sizeText(bytes: number): string {
  return bytes < MB ? `${bytes / 1000} kB` : `${bytes / MB} MB`;
}
