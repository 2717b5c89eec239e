/** The table of the ledger off and on, in Markdown, readable as it stands. */
import type { Comparison } from '../report/comparisons.ts';
import type { Figures } from '../report/figures.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import type { OnceFigures } from './once.ts';
import type { OnceVariant } from './once-stage.ts';
import { aligned, peak, spread } from '../report/table.ts';

export interface OnceReport extends OnceFigures {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}

const names: Readonly<Record<string, readonly [nextHop: string, ledger: string]>> = {
  'sink-off': ['smtp-sink', 'off'],
  'sink-on': ['smtp-sink', 'on'],
  'postfix-off': ['Postfix', 'off'],
  'postfix-on': ['Postfix', 'on, asked'],
} satisfies Record<OnceVariant, readonly [string, string]>;

export function onceTableOf(report: OnceReport): string {
  return [
    '# What handing over once costs',
    '',
    ...preamble(report),
    '',
    ...aligned([
      [
        ...['sessions', 'next hop', 'ledger', 'messages/s', 'p50 ms', 'p99 ms'],
        ...['daemon CPU ms', 'witness CPU ms', 'daemon MiB'],
      ],
      ...report.figures.map(row),
    ]),
    '',
    'messages/s with the ledger on as a share of those with it off:',
    '',
    ...aligned([['sessions', 'next hop', 'ratio'], ...report.ratios.map(ratioRow)]),
    '',
  ].join('\n');
}

function preamble({ time, machine, repeats, seconds, disk, delivered }: OnceReport): string[] {
  const { fdatasyncMs, commitsPerSecond } = disk;
  const counts = Object.entries(delivered).map(
    ([variant, count]) => `${count} (${names[variant]?.[0] ?? variant})`,
  );
  return [
    `${time}; ${machineText(machine)};`,
    `load average before the run ${machine.loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    `The disk: fdatasync(2) of 4 KiB takes ${spread(fdatasyncMs, 2)} ms; the ledger alone makes`,
    `${commitsPerSecond['1'].toFixed(0)} durable commits/s one after the other and ${commitsPerSecond['8'].toFixed(0)} with 8 at once.`,
    '',
    '4 KiB texts, 100 on a connection, each with a queue id of its own. "asked": the Postfix behind asks before it',
    'commits, and a witness holds its queue file. It throws away what it gets. CPU for one message.',
    `Median (least to most) of ${repeats} repeats of ${seconds} s, interleaved. Messages that were sent in all, each of which`,
    `was looked up in the ledger and found delivered: ${counts.join(', ')}.`,
  ];
}

function row({ variant, sessions, rate, latencyMs, cpu, peakBytes }: Figures): string[] {
  return [
    ...[String(sessions), ...(names[variant] ?? [])],
    ...[spread(rate, 0), spread(latencyMs.p50, 1), spread(latencyMs.p99, 1)],
    ...[spread(cpu.clamgate, 2), spread(cpu.witness, 2), peak(peakBytes.clamgate)],
  ];
}

function ratioRow({ variant, sessions, value }: Comparison): string[] {
  return [String(sessions), names[variant]?.[0] ?? variant, spread(value, 3)];
}
