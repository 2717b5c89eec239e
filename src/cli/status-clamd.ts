/** How `clamgate status` shows the clamds, and what is being scanned. */
import type { ShownEndpoint, ShownScanning } from '../daemon/control-status.ts';
import type { LimitAlerts } from '../scan/limits-canary.ts';

export type Row = readonly [name: string, value: string];

/** One line for each, and what is worth a word below it. */
export function clamdRows(endpoint: ShownEndpoint): Row[] {
  const { ok, detail, state, since, inflight, limit, limitAlerts } = endpoint;
  const load = ok
    ? `, ${inflight} of ${limit} streams`
    : inflight > 0
      ? `, ${inflight} streams`
      : '';
  const told = `${endpoint.endpoint} ${state} since ${since}${load}${drainText(endpoint)}: ${detail}`;
  const alerts = ok ? [['', limitTexts[limitAlerts]] as const] : [];
  return [['clamd', told], ...alerts, ...sizeRows(endpoint)];
}

/** Where it had to be found out. */
function sizeRows({ ok, fileBytesMax }: ShownEndpoint): Row[] {
  if (!ok || fileBytesMax === undefined) return [];
  return [['', `limits: it looks at files of up to ${fileBytesMax} bytes, as far as was tried`]];
}

function drainText({ draining, drainedUntil }: ShownEndpoint): string {
  return draining ? `, draining until ${drainedUntil ?? 'resumed'}` : '';
}

const limitTexts: Readonly<Record<LimitAlerts, string>> = {
  on: 'limits: it says when it reaches one',
  silent: 'limits: SILENT about what it skips in archives; set AlertExceedsMax yes in clamd.conf',
  unknown: 'limits: not known whether it says when it reaches one; taken for silent',
};

export function scanningRows({ inflight, waiting, latency, storm, skewed }: ShownScanning): Row[] {
  const { count, p50, p95, p99 } = latency;
  const times =
    count > 0
      ? `; p50 ${Math.round(p50)} ms, p95 ${Math.round(p95)} ms, p99 ${Math.round(p99)} ms`
      : '';
  const rows: Row[] = [['scanning', `${inflight} streams, ${waiting} waiting for a clamd${times}`]];
  if (storm.on) rows.push(['storm', `since ${storm.since ?? ''}: ${storm.detail}`]);
  if (skewed) rows.push(['', 'the clamds have had different signatures for hours']);
  return rows;
}
