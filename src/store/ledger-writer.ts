/**
 * The one connection that writes to the ledger. It blocks in fsync(2), so it lives in a thread of
 * its own (ledger-thread.ts). It knows no time but what it is told.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { messageOf } from '../errors.ts';
import type { LedgerChange } from './ledger.ts';
import type { Answer, WriteOrder } from './ledger-orders.ts';
import { insertEntry, replyText, valuesOf } from './ledger-rows.ts';
import { isScanChange, type ScanLog } from './ledger-scans.ts';
import { numberPragma } from './ledger-schema.ts';
import { isOfTheValues } from './sqlite-error.ts';

/** Deferred changes that wait for a disk that takes them; beyond it the oldest are given up. */
export const carriedMax = 10_000;

/** So many entries or pages at once, that commits between two slices hardly wait. */
export const sliceMax = 500;

export class LedgerWriter {
  readonly #database: DatabaseSync;
  readonly #scans: ScanLog;
  readonly #warn: (what: string) => void;
  readonly #checkPlace: () => void;
  readonly #insert: StatementSync;
  readonly #settleAll: StatementSync;
  readonly #settleOne: StatementSync;
  readonly #note: StatementSync;
  readonly #expire: StatementSync;
  /** Deferred changes that could not be stored yet: they go before everything else. */
  #carried: LedgerChange[] = [];

  /**
   * @param warn told of what no answer tells.
   * @param checkPlace throws when the files are no longer there: nothing is written then.
   */
  constructor(
    database: DatabaseSync,
    scans: ScanLog,
    warn: (what: string) => void,
    checkPlace: () => void,
  ) {
    this.#checkPlace = checkPlace;
    this.#database = database;
    this.#scans = scans;
    this.#warn = warn;
    const settle = `UPDATE entries SET state = ?, next_queue_id = coalesce(?, next_queue_id),
      reply = coalesce(?, reply), changed = ?
      WHERE attempt = ? AND state IN (SELECT value FROM json_each(?))`;
    this.#insert = database.prepare(insertEntry);
    this.#settleAll = database.prepare(settle);
    this.#settleOne = database.prepare(`${settle} AND recipient = ? AND orcpt = ?`);
    this.#note = database.prepare(
      'INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#expire = database.prepare(`DELETE FROM entries WHERE number IN (
      SELECT number FROM entries WHERE changed < ? AND
      (changed < ? OR state NOT IN ('sending', 'prepared', 'in-doubt')) ORDER BY changed LIMIT ?)`);
  }

  /**
   * Carries out all orders in one transaction. When that fails, each is tried alone: one that
   * cannot be stored takes none of the others with it.
   *
   * @param answered told of each order once, as soon as its fate is known.
   */
  write(orders: readonly WriteOrder[], answered: (answers: readonly Answer[]) => void): void {
    const problems = new Map<number, string>();
    for (const order of orders) this.#writeScans(order, problems);
    const [done, rest] = partition(orders, (one) => problems.has(one.id) || hasOnlyScans(one));
    // These have no fsync to wait for.
    if (done.length > 0) answered(done.map(({ id }) => answer(id, problems.get(id))));
    if (rest.length === 0) return;
    try {
      this.#store([...this.#carried, ...rest.flatMap((one) => [...one.deferred, ...one.changes])]);
      this.#carried = [];
    } catch {
      for (const order of rest) this.#writeAlone(order, problems);
    }
    answered(rest.map(({ id }) => answer(id, problems.get(id))));
  }

  /** @returns how many entries were removed; `sliceMax` when there may be more. */
  expire(settled: number, unsettled: number): number {
    this.#scans.expire(settled);
    return Number(this.#expire.run(settled, unsettled, sliceMax).changes);
  }

  /** @returns how many empty pages are left. */
  compact(): number {
    this.#database.exec(`PRAGMA incremental_vacuum(${sliceMax})`);
    const left = numberPragma(this.#database, 'freelist_count');
    if (left === 0) this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return left;
  }

  close(): void {
    this.#database.close();
    this.#scans.close();
  }

  /** They stand in a database of their own: what becomes of the rest does not matter to them. */
  #writeScans({ id, deferred, changes }: WriteOrder, problems: Map<number, string>): void {
    try {
      this.#scans.apply([...deferred, ...changes].filter(isScanChange));
    } catch (error) {
      problems.set(id, messageOf(error));
      this.#carry(deferred);
    }
  }

  #writeAlone(order: WriteOrder, problems: Map<number, string>): void {
    this.#carry(order.deferred);
    try {
      this.#store([...this.#carried, ...order.changes]);
      this.#carried = [];
    } catch (error) {
      problems.set(order.id, messageOf(error));
      this.#storeCarried();
    }
  }

  #carry(changes: readonly LedgerChange[]): void {
    this.#carried.push(...changes.filter((change) => !isScanChange(change)));
    const over = this.#carried.length - carriedMax;
    if (over <= 0) return;
    this.#carried.splice(0, over);
    this.#warn(`${over} deferred changes were given up: too many wait for the disk`);
  }

  /** Without the changes that may have been at fault; stops where the disk is. */
  #storeCarried(): void {
    let stored = 0;
    for (const change of this.#carried) {
      try {
        this.#store([change]);
      } catch (error) {
        if (!isOfTheValues(error)) break;
        this.#warn(`a deferred change (${change.kind}) was given up: ${messageOf(error)}`);
      }
      stored++;
    }
    this.#carried.splice(0, stored);
  }

  /** One transaction. @throws what SQLite throws; then nothing of it is stored. */
  #store(changes: readonly LedgerChange[]): void {
    const ours = changes.filter((change) => !isScanChange(change));
    if (ours.length === 0) return;
    this.#checkPlace();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const change of ours) this.#apply(change);
      this.#database.exec('COMMIT');
    } finally {
      // SQLite has done it by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    }
  }

  #apply(change: Exclude<LedgerChange, { kind: `scan-${string}` }>): void {
    switch (change.kind) {
      case 'begin':
        for (const entry of change.entries) this.#insert.run(...valuesOf(entry));
        break;
      case 'settle':
        this.#settle(change);
        break;
      case 'note':
        this.#note.run(change.name, change.value);
    }
  }

  #settle(change: Extract<LedgerChange, { kind: 'settle' }>): void {
    const { state, nextQueueId, reply, changed, attempt, from, recipients } = change;
    const values = [
      ...[state, nextQueueId ?? null, replyText(reply), changed],
      ...[attempt, JSON.stringify(from)],
    ];
    if (!recipients) this.#settleAll.run(...values);
    for (const one of recipients ?? []) this.#settleOne.run(...values, one.recipient, one.orcpt);
  }
}

function answer(id: number, problem: string | undefined): Answer {
  return problem === undefined ? { id } : { id, problem };
}

function hasOnlyScans({ deferred, changes }: WriteOrder): boolean {
  return changes.length > 0 && [...deferred, ...changes].every(isScanChange);
}

function partition<T>(all: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
