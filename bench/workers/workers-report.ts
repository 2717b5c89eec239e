/** The table of one worker, two, three, in Markdown, readable as it stands. */
import { aligned, spread } from '../report/table.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import type { WorkersFigures, WorkersRow } from './workers.ts';

export interface WorkersReport extends WorkersFigures {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}

const MiB = 1024 * 1024;

export function workersTableOf(report: WorkersReport): string {
  return [
    '# Workers',
    '',
    ...preamble(report),
    '',
    ...aligned([
      [
        'message',
        'workers',
        'messages/s',
        'of one',
        'p50 ms',
        'daemon CPU ms',
        'own thread',
        'MiB',
      ],
      ...report.rows.map(row),
    ]),
    '',
  ].join('\n');
}

function preamble({ time, machine, repeats, seconds, sessions }: WorkersReport): string[] {
  return [
    `${time}; ${machineText(machine)};`,
    `load average before the run ${machine.loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    '',
    `${sessions} sessions, 100 messages on a connection, to smtp-sink, with the ledger on; a stand-in for clamd that reads and says OK`,
    `at once. Median (least to most) of ${repeats} repeats of ${seconds} s, interleaved. "of one": messages/s as a share of those with the`,
    'fewest workers, measured in the same repeat. The load, smtp-sink and the stand-in share the cores with the daemon. "own thread": of',
    "the daemon's CPU time for a message what its own thread takes, which is what bounds it where there are cores enough. MiB: its",
    'peak over all kinds.',
  ];
}

function row({ kind, workers, rate, gain, p50Ms, cpuMs, ownMs, peakBytes }: WorkersRow): string[] {
  return [
    ...[kind, String(workers), spread(rate, 0), spread(gain, 2)],
    ...[spread(p50Ms, 0), spread(cpuMs, 2), spread(ownMs, 2), (peakBytes / MiB).toFixed(0)],
  ];
}
