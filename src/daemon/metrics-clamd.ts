/** The gauges of the clamds, and of what is being scanned. */
import type { Gauge } from 'prom-client';
import type { PoolLoad } from '../scan/clamd-pool.ts';
import { endpointStates } from '../scan/endpoint-state.ts';
import type { EndpointStatus } from '../scan/endpoint-status.ts';

/** A gauge that is exposed; its name without our prefix. */
export type NewGauge = (name: string, help: string, labelNames?: readonly string[]) => Gauge;

export function addClamdGauges(gauge: NewGauge, clamds: readonly EndpointStatus[]): void {
  const each = (
    name: string,
    help: string,
    value: (status: EndpointStatus) => number | undefined,
  ): void => {
    const one = gauge(`clamd_${name}`, help, ['endpoint']);
    for (const status of clamds) {
      const number = value(status);
      if (number !== undefined) one.set({ endpoint: status.endpoint }, number);
    }
  };
  each('up', 'Whether a clamd is ready: 1 or 0', ({ ok }) => Number(ok));
  each(
    'limit_alerts',
    'Whether a clamd tells of its limits (AlertExceedsMax): 1, or 0 where it is silent or not known',
    ({ limitAlerts }) => Number(limitAlerts === 'on'),
  );
  each(
    'file_bytes_max',
    'The largest file that it looks at, in bytes, where that was found out to be less than ours, or is taken to be until it is',
    ({ fileBytesMax }) => fileBytesMax,
  );
  each('inflight', 'Streams that a clamd works on', ({ inflight }) => inflight);
  each('inflight_limit', 'Streams that it may be given now', ({ limit }) => limit);
  each('draining', 'Whether it is given nothing new: 1 or 0', ({ draining }) => Number(draining));
  each('database', "The number of ClamAV's database that it has", ({ database }) => database);
  each(
    'database_timestamp_seconds',
    'When that was made, in seconds since the epoch',
    ({ databaseDate }) => databaseDate && databaseDate / 1000,
  );
  const states = gauge('clamd_state', 'The state a clamd is in: 1, and 0 for the others', [
    'endpoint',
    'state',
  ]);
  for (const { endpoint, state: now } of clamds) {
    for (const state of endpointStates) states.set({ endpoint, state }, Number(state === now));
  }
}

export function addScanningGauges(gauge: NewGauge, scanning: PoolLoad): void {
  const { latency, storm, skewed } = scanning;
  gauge('streams_waiting', 'Streams that wait for a clamd').set(scanning.waiting);
  gauge('streams_wait_seconds', 'How long the first of them has waited').set(
    scanning.longestWaitMs / 1000,
  );
  const quantiles = gauge(
    'clamd_latency_seconds',
    'What clamd took for a stream in the last minute, from its end to the answer',
    ['quantile'],
  );
  if (latency.count > 0) {
    quantiles.set({ quantile: '0.5' }, latency.p50 / 1000);
    quantiles.set({ quantile: '0.95' }, latency.p95 / 1000);
    quantiles.set({ quantile: '0.99' }, latency.p99 / 1000);
  }
  gauge('clamd_skewed', 'Whether clamds have had different signatures for long: 1 or 0').set(
    Number(skewed),
  );
  gauge('storm', 'Whether there is too much to do: 1 or 0').set(Number(storm.on));
  const pressure = gauge(
    'pressure_percent',
    'Per cent of the last ten seconds in which tasks of this machine waited (PSI)',
    ['resource'],
  );
  for (const [resource, percent] of Object.entries(storm.pressure)) {
    pressure.set({ resource }, percent);
  }
}
