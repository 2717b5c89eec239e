/** The table of one clamd, two, three, in Markdown, readable as it stands. */
import type { EndpointsFigures, EndpointsRow } from './endpoints.ts';
import type { ClamdKind } from './endpoints-stage.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import { aligned, spread } from '../report/table.ts';

export interface EndpointsReport extends EndpointsFigures {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}

const names: Readonly<Record<ClamdKind, string>> = {
  real: 'clamd on these cores',
  elsewhere: 'stand-in, elsewhere',
};

export function endpointsTableOf(report: EndpointsReport): string {
  return [
    '# Several clamds',
    '',
    ...preamble(report),
    '',
    ...aligned([
      ['clamds', 'endpoints', 'messages/s', 'of one', 'p50 ms', 'p99 ms', 'daemon, cores'],
      ...report.rows.map(row),
    ]),
    '',
  ].join('\n');
}

function preamble(report: EndpointsReport): string[] {
  const { time, machine, repeats, seconds, sessions, takesMs } = report;
  return [
    `${time}; ${machineText(machine)};`,
    `load average before the run ${machine.loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    '',
    `4 KiB texts, ${sessions} sessions, 100 on a connection, to smtp-sink, with the ledger on; at most 8 streams at once for each`,
    `clamd (inflight_max). Median (least to most) of ${repeats} repeats of ${seconds} s, interleaved. "of one": messages/s as a share of`,
    'those with the fewest clamds, measured in the same repeat. "daemon, cores": what clamgate itself had of them.',
    '',
    '- **On these cores**: clamds share them with the daemon, the load and smtp-sink. One clamd uses as many cores as it has',
    '  threads at work, so more clamds add no work done where the cores are the bound; they add that one may be away.',
    `- **Elsewhere**: clamds that answer after ${takesMs} ms and compute nothing, as those of other machines do for us. One can do`,
    `  ${Math.floor((8 * 1000) / takesMs)} streams a second (8 at once), each further one as many again, until the daemon's own core is the bound.`,
  ];
}

function row({ clamds, count, rate, gain, p50Ms, p99Ms, daemonCores }: EndpointsRow): string[] {
  return [
    ...[names[clamds], String(count), spread(rate, 0), spread(gain, 2)],
    ...[spread(p50Ms, 0), spread(p99Ms, 0), spread(daemonCores, 2)],
  ];
}
