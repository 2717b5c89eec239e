/**
 * The last transactions, in memory, for whoever asks what became of a message. It is no archive:
 * it forgets the oldest, and everything at a restart. What a sender made long is cut, and says so.
 */
import type { TransactionRecord } from '../engine/record.ts';
import { bounded } from './log-text.ts';

/** Entries of each list of a record; a message may have a thousand recipients and parts. */
const listLengthMax = 50;

/** A text of a record. The longest address has 320 (RFC 5321 §4.5.3.1), a Message-ID line 998. */
const textCharactersMax = 1000;

/** All texts of a record that is kept as it is: none of them is long, then. */
const ordinaryCharactersMax = 1000;

/** All texts of a record together; its lists become shorter until they fit. */
export const recordCharactersMax = 32 * 1024;

/** A record as it is kept: a text that was cut ends with `...(N more)`. */
export interface KeptRecord extends TransactionRecord {
  /** How many entries of its lists were left out. */
  readonly leftOut?: Readonly<Partial<Record<List, number>>>;
}

const lists = ['recipients', 'findings', 'streams'] as const;
type List = (typeof lists)[number];

/** What all given keys match; with none, the latest. */
export interface HistoryQuery {
  readonly id?: string;
  /** With or without the angle brackets. */
  readonly messageId?: string;
  /** Postfix's before us, or the next hop's. */
  readonly queueId?: string;
}

export class History {
  readonly #size: number;
  readonly #records: KeptRecord[] = [];
  /** Where the next one goes, once all places are taken. */
  #next = 0;

  /** @param size how many are remembered. */
  constructor(size: number) {
    this.#size = size;
  }

  add(record: TransactionRecord): void {
    this.#records[this.#next] = isOrdinary(record) ? record : shortened(record);
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The newest first, at most `limit`. */
  find(query: HistoryQuery, limit: number): KeptRecord[] {
    const found: KeptRecord[] = [];
    for (const record of this.#newestFirst()) {
      if (found.length >= limit) break;
      if (matches(record, query)) found.push(record);
    }
    return found;
  }

  *#newestFirst(): Generator<KeptRecord> {
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

/**
 * Most records can be kept as they are. Their texts are views on what the peer sent them in, so what
 * they keep alive is bounded with it: a command (limits.commandBytesMax), a line of a reply.
 */
function isOrdinary(record: TransactionRecord): boolean {
  const { recipients, findings, streams, sender, messageId = '', detail = '' } = record;
  if (recipients.length > 2 || streams.length > 1 || findings.length > 0) return false;
  let characters = sender.length + messageId.length + detail.length;
  for (const { address, reply } of recipients) {
    characters += address.length + (reply === undefined ? 0 : ordinaryCharactersMax);
  }
  for (const { label, answer } of streams) characters += label.length + answer.length;
  for (const value of Object.values(record.client)) characters += value.length;
  for (const line of record.reply?.lines ?? []) characters += line.length;
  return characters < ordinaryCharactersMax;
}

function shortened(record: TransactionRecord): KeptRecord {
  for (let lengthMax = listLengthMax; ; lengthMax = Math.floor(lengthMax / 2)) {
    const json = JSON.stringify({ ...record, ...leftOut(record, lengthMax) }, cutTo(lengthMax));
    // Read back, because a text that was cut out of a longer one would keep all of that in memory.
    if (json.length <= recordCharactersMax || lengthMax === 0)
      return JSON.parse(json) as KeptRecord;
  }
}

function cutTo(lengthMax: number) {
  return (_: string, value: unknown): unknown => {
    if (typeof value === 'string') return bounded(value, textCharactersMax);
    return Array.isArray(value) ? value.slice(0, lengthMax) : value;
  };
}

function leftOut(record: TransactionRecord, lengthMax: number): Pick<KeptRecord, 'leftOut'> {
  const counts = lists
    .map((list) => [list, record[list].length - lengthMax] as const)
    .filter(([, count]) => count > 0);
  return counts.length === 0 ? {} : { leftOut: Object.fromEntries(counts) };
}
