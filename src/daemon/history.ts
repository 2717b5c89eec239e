/**
 * The last transactions, in memory, for whoever asks what became of a message. It is no archive:
 * it forgets the oldest, and everything at a restart.
 */
import type { TransactionRecord } from '../engine/record.ts';

/** What all given keys match; with none, the latest. */
export interface HistoryQuery {
  readonly id?: string;
  /** With or without the angle brackets. */
  readonly messageId?: string;
  /** Postfix's before us, or the next hop's. */
  readonly queueId?: string;
}

/** A message may have a thousand recipients and parts; a thousand such records are kept. */
const listMax = 50;

export class History {
  readonly #size: number;
  readonly #records: TransactionRecord[] = [];
  /** Where the next one goes, once all places are taken. */
  #next = 0;

  /** @param size how many are remembered. */
  constructor(size: number) {
    this.#size = size;
  }

  add(record: TransactionRecord): void {
    this.#records[this.#next] = shortened(record);
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The newest first, at most `limit`. */
  find(query: HistoryQuery, limit: number): TransactionRecord[] {
    const found: TransactionRecord[] = [];
    for (const record of this.#newestFirst()) {
      if (found.length >= limit) break;
      if (matches(record, query)) found.push(record);
    }
    return found;
  }

  *#newestFirst(): Generator<TransactionRecord> {
    const count = this.#records.length;
    for (let age = 1; age <= count; age++) {
      const record = this.#records[(this.#next - age + count) % count];
      if (record) yield record;
    }
  }
}

function matches(record: TransactionRecord, { id, messageId, queueId }: HistoryQuery): boolean {
  return (
    (id === undefined || record.id === id) &&
    (messageId === undefined || bare(record.messageId) === bare(messageId)) &&
    (queueId === undefined || record.queueId === queueId || record.nextHopQueueId === queueId)
  );
}

function bare(messageId: string | undefined): string | undefined {
  return messageId?.replace(/^<(.*)>$/, '$1');
}

function shortened(record: TransactionRecord): TransactionRecord {
  return {
    ...record,
    recipients: record.recipients.slice(0, listMax),
    findings: record.findings.slice(0, listMax),
    streams: record.streams.slice(0, listMax),
  };
}
