/**
 * What is counted about mail, for Prometheus. Counting is plain arithmetic; prom-client, which
 * writes it out, is loaded only when somebody asks.
 */
import type { PoolLoad } from '../scan/clamd-pool.ts';
import type { EndpointStatus } from '../scan/endpoint-status.ts';
import type { HandoverEvent } from '../engine/earlier-attempts.ts';
import { recipientOutcomes, type TransactionRecord } from '../engine/record.ts';
import { type Finding, unscannedReasons } from '../verdict/finding.ts';
import type { PoolEvent } from '../scan/pool-settings.ts';
import type { LedgerStatus } from './control-status.ts';
import { Spread, Tally } from './metrics-tally.ts';

/** What is not counted but looked at when somebody asks. */
export interface Gauges {
  readonly version: string;
  readonly sessions: number;
  readonly transactions: number;
  readonly waiting: number;
  /** Absent where there are to be none. */
  readonly workers?: number;
  /** Each clamd, and how it is. */
  readonly clamd: readonly EndpointStatus[];
  readonly scanning: PoolLoad;
  /** Absent when the quarantine could not be read. */
  readonly quarantine?: { readonly messages: number; readonly bytes: number };
  /** Absent when it is switched off. */
  readonly ledger?: LedgerStatus;
}

/** Text in the format of Prometheus, with its Content-Type. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** From a small message on a fast machine to the longest deadline. */
const secondsBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

export class Metrics {
  readonly #transactions = new Tally(
    'clamgate_transactions_total',
    'Transactions that are over, by what was done, the verdict, and the row of the reply table',
    ['outcome', 'verdict', 'situation'],
  );
  readonly #recipients = new Tally(
    'clamgate_recipients_total',
    'Recipients of these transactions, by what was done for each',
    ['outcome'],
  );
  readonly #bytes = new Tally('clamgate_message_bytes_total', 'Bytes of message content received');
  readonly #findings = new Tally('clamgate_findings_total', 'Findings of all scans', ['kind']);
  readonly #unscanned = new Tally(
    'clamgate_passed_unscanned_total',
    'Messages that a rule let through although part of them was not looked at',
    ['reason'],
  );
  readonly #streams = new Tally('clamgate_scanned_streams_total', 'Streams sent to clamd', [
    'endpoint',
  ]);
  readonly #streamBytes = new Tally('clamgate_scanned_bytes_total', 'Bytes sent to clamd', [
    'endpoint',
  ]);
  readonly #cache = new Tally(
    'clamgate_cache_lookups_total',
    'Streams that were looked for among what clamd called clean lately: hit or miss',
    ['result'],
  );
  readonly #handovers = new Tally(
    'clamgate_handover_events_total',
    'Handovers that did not go as usual: in-doubt, recovered, settled-by-hand, not-asked, no-witness, ' +
      'ledger-failed',
    ['kind'],
  );
  readonly #clamdStates = new Tally(
    'clamgate_clamd_states_total',
    'How often a clamd came into a state: starting, ready, reloading, busy, lying, dead',
    ['endpoint', 'state'],
  );
  readonly #storms = new Tally('clamgate_storms_total', 'How often there was too much to do');
  readonly #stages = new Spread(
    'clamgate_stage_seconds',
    'Seconds by stage of a transaction; total is from MAIL to our reply',
    'stage',
    secondsBounds,
  );

  /** Counts a transaction that is over. */
  record(record: TransactionRecord): void {
    const { outcome, verdict = 'none', situation = 'none' } = record;
    this.#transactions.add(1, outcome, verdict, situation);
    const ends = recipientOutcomes(record);
    for (const end of ends) this.#recipients.add(1, end);
    this.#bytes.add(record.size);
    for (const { kind } of record.findings) this.#findings.add(1, kind);
    if (ends.includes('relayed')) this.#countUnscanned(record.findings);
    this.#countStreams(record);
    for (const [stage, ms] of Object.entries(record.ms)) {
      // 0 is a stage that was not reached.
      if (Number(ms) > 0) this.#stages.observe(stage, Number(ms) / 1000);
    }
  }

  /** Counts a handover that did not go as usual. */
  handover({ kind }: HandoverEvent): void {
    this.#handovers.add(1, kind);
  }

  /** Counts what befell the clamds. */
  pool(event: PoolEvent): void {
    if (event.kind === 'state')
      this.#clamdStates.add(1, event.endpoint.endpoint, event.endpoint.state);
    else if (event.kind === 'storm' && event.on) this.#storms.add(1);
  }

  /** Everything that was counted, and `gauges`, and what is known of the process. */
  async exposition(gauges: Gauges): Promise<Exposition> {
    const { expose } = await import('./metrics-exposition.ts');
    const tallies = [
      this.#transactions,
      this.#handovers,
      this.#recipients,
      this.#bytes,
      this.#findings,
      this.#unscanned,
      this.#streams,
      this.#streamBytes,
      this.#cache,
      this.#clamdStates,
      this.#storms,
    ];
    return expose(tallies, [this.#stages], gauges);
  }

  /** A message counts once for each reason, however many of its parts have it. */
  #countUnscanned(findings: readonly Finding[]): void {
    for (const reason of unscannedReasons(findings)) this.#unscanned.add(1, reason);
  }

  #countStreams({ streams }: TransactionRecord): void {
    for (const { endpoint, bytes, sameAs, cached } of streams) {
      if (endpoint === '' || sameAs !== undefined) continue;
      if (cached !== undefined) this.#cache.add(1, cached ? 'hit' : 'miss');
      if (cached === true) continue;
      this.#streams.add(1, endpoint);
      this.#streamBytes.add(bytes, endpoint);
    }
  }
}
