/** An entry as a row of the database, and back. Pure. */
import type { SQLInputValue } from 'node:sqlite';
import type { Reply } from '../protocol/smtp/reply.ts';
import type { AttemptState, LedgerEntry } from './ledger.ts';

/** The types are those of the STRICT table. */
export interface LedgerRow {
  readonly number: number;
  readonly attempt: string;
  readonly queue_id: string;
  readonly digest: string;
  readonly recipient: string;
  readonly orcpt: string;
  readonly state: AttemptState;
  readonly next_hop: string;
  readonly next_queue_id: string | null;
  readonly reply: string | null;
  readonly quarantine_id: string | null;
  readonly began: number;
  readonly changed: number;
}

const columns =
  'attempt, queue_id, digest, recipient, orcpt, state, next_hop, ' +
  'next_queue_id, reply, quarantine_id, began, changed';

/** What is there already stays as it is, so that a `begin` may come twice. */
export const insertEntry = `INSERT INTO entries (${columns})
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

export const selectEntries = `SELECT number, ${columns} FROM entries`;

/** The values of `insertEntry`. */
export function valuesOf(entry: LedgerEntry): SQLInputValue[] {
  return [
    ...[entry.attempt, entry.queueId, entry.digest, entry.recipient, entry.orcpt],
    ...[entry.state, entry.nextHop, entry.nextQueueId ?? null],
    ...[replyText(entry.reply), entry.quarantineId ?? null, entry.began, entry.changed],
  ];
}

export function replyText(reply: Reply | undefined): string | null {
  return reply ? JSON.stringify(reply) : null;
}

/** @throws {SyntaxError} when the reply is not one that `replyText` has made. */
export function entryOf(row: LedgerRow): LedgerEntry {
  const { next_queue_id: nextQueueId, quarantine_id: quarantineId, reply } = row;
  return {
    attempt: row.attempt,
    queueId: row.queue_id,
    digest: row.digest,
    recipient: row.recipient,
    orcpt: row.orcpt,
    state: row.state,
    nextHop: row.next_hop,
    ...(nextQueueId !== null && { nextQueueId }),
    ...(reply !== null && { reply: JSON.parse(reply) as Reply }),
    ...(quarantineId !== null && { quarantineId }),
    began: row.began,
    changed: row.changed,
  };
}
