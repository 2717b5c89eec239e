/** What systemd says of a unit. */
import type { Unit } from '../facts.ts';
import { type Host, output } from '../host.ts';

const properties = [
  'Id',
  'Type',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'InactiveExitTimestampMonotonic',
  'ActiveEnterTimestampMonotonic',
  'Restart',
  'TimeoutStartUSec',
  'TimeoutStopUSec',
  'User',
  'SupplementaryGroups',
  'MainPID',
  'TriggeredBy',
  'ExecStart',
  'PIDFile',
  'MemoryHigh',
  'MemoryMax',
];

/** @throws when systemd does not run here, or has no such unit. */
export async function showUnit(host: Host, name: string): Promise<Unit> {
  const out = await output(host, 'systemctl', [
    'show',
    '--no-pager',
    `--property=${properties.join(',')}`,
    '--',
    name,
  ]);
  const unit = new Map(
    Array.from(out.matchAll(/^(\w+)=(.*)$/gm), ([, key = '', value = '']) => [key, value]),
  );
  if (unit.get('LoadState') !== 'loaded') throw new Error(`there is no unit ${name}`);
  return unit;
}

/** Services that systemd knows, running or not, by a pattern of their names. @throws as showUnit. */
export async function unitNames(host: Host, pattern: string): Promise<readonly string[]> {
  const args = ['list-units', '--all', '--plain', '--no-legend', '--type=service', '--', pattern];
  const out = await output(host, 'systemctl', args);
  return Array.from(out.matchAll(/^\s*(\S+\.service)\s/gm), ([, name = '']) => name);
}

/** How long its last start took, by systemd; undefined where it has not come to its end. */
export function startMs(unit: Unit): number | undefined {
  const us = (name: string): number => Number(unit.get(name) ?? 0);
  const begun = us('InactiveExitTimestampMonotonic');
  const ended = us('ActiveEnterTimestampMonotonic');
  return begun > 0 && ended >= begun ? (ended - begun) / 1000 : undefined;
}

/**
 * Milliseconds of a time span as systemd writes it: `1min 30s`, `7min`, `infinity` (systemd.time(7)).
 * Undefined where it is none.
 */
export function timeSpanMs(text: string | undefined): number | undefined {
  if (text === 'infinity') return Infinity;
  const parts = Array.from((text ?? '').matchAll(/([\d.]+)(us|ms|s|min|h|d|w|month|y)\b/g));
  if (parts.length === 0) return undefined;
  return parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (spans.get(unit) ?? 0),
    0,
  );
}

const spans: ReadonlyMap<string, number> = new Map([
  ['us', 0.001],
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
  ['month', 2_629_800_000],
  ['y', 31_557_600_000],
]);
