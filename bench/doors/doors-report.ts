/** The tables of the part 'doors', in Markdown, readable as they stand. */
import type { DoorFigures, DoorMeasurement } from './doors.ts';
import { ways, type Way } from './doors-stage.ts';
import { spreadOf } from '../report/figures.ts';
import { type Machine, machineText } from '../stage/machine.ts';
import { aligned, spread } from '../hop/hop-report.ts';

export interface DoorsReport extends DoorFigures {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}

/** What is compared with what, pair by pair of one repeat. */
const pairs: readonly (readonly [Way, Way])[] = [
  ['clamgate, Milter', 'clamav-milter'],
  ['clamgate, Milter', 'rspamd'],
  ['clamgate, before the queue', 'amavisd-new, before the queue'],
  ['clamgate, Milter', 'no filter'],
  ['clamgate, before the queue', 'no filter'],
  ['clamgate, after the queue', 'no filter'],
];

export function doorsTableOf({ time, machine, doors, policy, options }: DoorsReport): string {
  const { repeats, seconds, sessions } = options;
  const here = ways.filter((way) => doors.some((one) => one.way === way));
  return [
    '# Through Postfix, at each door',
    '',
    `${time}; ${machineText(machine)};`,
    `load average before the run ${machine.loadBefore.toFixed(1)} (above 0.5, others were at work and are in the figures).`,
    '',
    `Messages of 4 KiB, each with content of its own, ${sessions} sessions, a connection for each message. Median (least to`,
    `most) of ${repeats} repeats of ${seconds} s, interleaved. One Postfix for all, which throws away what has come through; the rate is`,
    'until its queue is empty. One clamd for all, to which each of them gives the whole message; before the run',
    'each Milter and proxy had to stop EICAR.',
    '',
    ...aligned([
      ['filter', 'messages/s', 'p50 ms', 'p99 ms'],
      ...here.map((way) => rowOf(way, doors)),
    ]),
    '',
    'Messages/s as a share of those of the same repeat with another filter:',
    '',
    ...aligned([
      ['filter', 'against', 'ratio'],
      ...pairs
        .filter((pair) => pair.every((way) => here.includes(way)))
        .map((pair) => ratioRow(pair, doors)),
    ]),
    '',
    'Policy requests as at RCPT, answered one after the other on each connection by the same daemon; what one core',
    'could answer is the requests for a second of its CPU time:',
    '',
    ...aligned([
      ['connections', 'requests/s', 'requests for a second of CPU'],
      ...[...new Set(policy.map(({ connections }) => connections))].map((count) => {
        const own = policy.filter(({ connections }) => connections === count);
        return [
          String(count),
          spread(spreadOf(own.map(({ perSecond }) => perSecond)), 0),
          spread(spreadOf(own.map(({ perCpuSecond }) => perCpuSecond)), 0),
        ];
      }),
    ]),
    '',
  ].join('\n');
}

function rowOf(way: Way, doors: readonly DoorMeasurement[]): string[] {
  const own = doors.filter((one) => one.way === way);
  return [
    way,
    spread(spreadOf(own.map(({ perSecond }) => perSecond)), 0),
    spread(spreadOf(own.map(({ p50 }) => p50)), 1),
    spread(spreadOf(own.map(({ p99 }) => p99)), 1),
  ];
}

function ratioRow(
  [way, against]: readonly [Way, Way],
  doors: readonly DoorMeasurement[],
): string[] {
  const rateOf = (wanted: Way, repeat: number): number =>
    doors.find((one) => one.way === wanted && one.repeat === repeat)?.perSecond ?? NaN;
  const repeats = [...new Set(doors.map(({ repeat }) => repeat))];
  const ratios = repeats.map((repeat) => rateOf(way, repeat) / rateOf(against, repeat));
  return [way, against, spread(spreadOf(ratios), 2)];
}
