/** What a run has found beside messages a second, in Markdown. Pure. */
import type { PolicyMeasurement } from '../doors/doors.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { aligned, spread } from '../report/table.ts';
import type { Speed } from './speed.ts';

export function policyTable(policy: readonly PolicyMeasurement[]): string[] {
  const counts = [...new Set(policy.map(({ connections }) => connections))];
  const of = (count: number, figure: (one: PolicyMeasurement) => number): Spread =>
    spreadOf(policy.filter(({ connections }) => connections === count).map(figure));
  return [
    'As at RCPT, answered one after the other on each connection; what one core could answer is the requests for',
    'a second of CPU time:',
    '',
    ...aligned([
      ['connections', 'requests/s', 'requests for a second of CPU'],
      ...counts.map((count) => [
        String(count),
        spread(
          of(count, ({ perSecond }) => perSecond),
          0,
        ),
        spread(
          of(count, ({ perCpuSecond }) => perCpuSecond),
          0,
        ),
      ]),
    ]),
  ];
}

/** Nothing where that part was not run; so also below. */
export function footprintLines({ footprint }: Speed): string[] {
  if (!footprint) return [];
  const { starts, idle, peaks } = footprint;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    '## Footprint',
    '',
    `From the start to listening ${spread(spreadOf(starts.map(({ ms }) => ms)), 0)} ms, of which the daemon and its child for the`,
    `configuration computed ${spread(spreadOf(starts.map(({ cpuMs }) => cpuMs)), 0)} ms (${starts.length} starts). Idle: ${mb(idle.bytes)} resident, ${(idle.cpuShare * 100).toFixed(2)} % of a core.`,
    ...peaks.map(
      ({ sessions, bytes, peakBytes, seconds }) =>
        `${sessions} sessions with ${(bytes / 1024 ** 2).toFixed(0)} MiB each: ${mb(peakBytes)} at the peak, in ${seconds.toFixed(0)} s.`,
    ),
    '',
  ];
}

export function growthLines({ growth }: Speed): string[] {
  if (!growth) return [];
  const { ledger, session } = growth;
  const row = (what: string, { small, grown, ratio }: typeof ledger.growth): string[] => [
    what,
    ...[small, grown].map((figure) => spread(figure, 2)),
    spread(ratio, 3),
  ];
  return [
    '## Growth',
    '',
    "The daemon's CPU time for a 4 KiB text, in milliseconds; each pair measured in turn:",
    '',
    ...aligned([
      ['', 'before', 'grown', 'ratio'],
      row(`ledger of ${ledger.entries} entries, and an empty one before`, ledger.growth),
      row(`session of up to ${session.messages} messages, and a new one before`, session.growth),
    ]),
    '',
  ];
}
