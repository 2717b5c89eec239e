/** Writes the metrics out with prom-client: ours as counted, the process's as prom-client sees it. */
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type MetricValueWithName,
} from 'prom-client';
import { addClamdGauges, addScanningGauges, type NewGauge } from './metrics-clamd.ts';
import type { Exposition, Gauges } from './metrics.ts';
import type { Spread, SpreadRow, Tally } from './metrics-tally.ts';

/** Watches the process from the first question on. */
let processRegistry: Registry | undefined;

export async function expose(
  tallies: readonly Tally[],
  spreads: readonly Spread[],
  gauges: Gauges,
): Promise<Exposition> {
  const registry = new Registry();
  for (const tally of tallies) addCounter(registry, tally);
  for (const spread of spreads) registry.registerMetric(new CountedHistogram(spread));
  addGauges(registry, gauges);
  const all = Registry.merge([registry, observedProcess()]);
  return { contentType: all.contentType, text: withoutUnseen(await all.metrics()) };
}

/** Right after it was asked prom-client has not looked at the event loop again, and says Nan. */
function withoutUnseen(text: string): string {
  if (!text.includes('_lag_mean_seconds Nan\n')) return text;
  return text.replaceAll(/^.*nodejs_eventloop_lag_\w+_seconds.*\n/gm, '');
}

function observedProcess(): Registry {
  if (!processRegistry) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

function addCounter(registry: Registry, tally: Tally): void {
  const { name, help, labelNames } = tally;
  const counter = new Counter({ name, help, labelNames, registers: [registry] });
  for (const { labels, value } of tally.counts()) counter.inc(labels, value);
}

function addGauges(registry: Registry, gauges: Gauges): void {
  const gauge: NewGauge = (name, help, labelNames = []) =>
    new Gauge({ name: `clamgate_${name}`, help, labelNames, registers: [registry] });
  gauge('info', 'Which clamgate this is; always 1', ['version']).set(
    { version: gauges.version },
    1,
  );
  gauge('sessions', 'Connections that are open').set(gauges.sessions);
  gauge('transactions', 'Transactions at work').set(gauges.transactions);
  gauge('transactions_waiting', 'Transactions that wait at MAIL').set(gauges.waiting);
  if (gauges.workers !== undefined) {
    gauge('workers', 'Threads that take messages apart').set(gauges.workers);
  }
  addClamdGauges(gauge, gauges.clamd);
  addScanningGauges(gauge, gauges.scanning);
  if (gauges.quarantine) {
    gauge('quarantine_messages', 'Messages in quarantine').set(gauges.quarantine.messages);
    gauge('quarantine_bytes', 'Bytes of the messages in quarantine').set(gauges.quarantine.bytes);
  }
  if (gauges.ledger) {
    const { usable, unsettled, inDoubt, bytes } = gauges.ledger;
    gauge('ledger_usable', 'Whether the ledger can be used: 1 or 0').set(usable ? 1 : 0);
    gauge('ledger_unsettled', 'Entries whose end nobody knows, and not at work').set(unsettled);
    gauge('ledger_in_doubt', 'Those of them that are in doubt').set(inDoubt);
    gauge('ledger_bytes', 'Bytes of the ledger on the disk').set(bytes);
  }
}

/** A histogram that was counted elsewhere: prom-client's own can only observe. */
class CountedHistogram extends Histogram {
  readonly #spread: Spread;

  constructor(spread: Spread) {
    const { name, help, labelName } = spread;
    super({ name, help, labelNames: [labelName], buckets: [...spread.bounds], registers: [] });
    this.#spread = spread;
  }

  /** What prom-client 15 asks a histogram for, to write it as text. */
  getForPromString() {
    const { name, help } = this.#spread;
    const values = this.#spread.rows().flatMap((row) => this.#values(row));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  #values({ label, buckets, count, sum }: SpreadRow): MetricValueWithName<string>[] {
    const { name, labelName } = this.#spread;
    const labels = { [labelName]: label };
    const bucket = (le: number | string, value: number) => ({
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value,
    });
    return [
      ...buckets.map(({ bound, count: below }) => bucket(bound, below)),
      bucket('+Inf', count),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
