/**
 * The one connection that writes to the ledger. It blocks in fsync(2), so it lives in a thread of
 * its own (ledger-thread.ts). It knows no time but what it is told.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { messageOf } from '../errors.ts';
import { insertEntry, replyText, valuesOf } from './ledger-rows.ts';
import { numberPragma, selectFolded } from './ledger-schema.ts';
import type { Fold, Settlement } from './ledger-unfolded.ts';
import { isOfTheValues } from './sqlite-error.ts';

/** So many entries or pages at once, that commits between two slices hardly wait. */
export const sliceMax = 500;

export class LedgerWriter {
  readonly #database: DatabaseSync;
  readonly #warn: (what: string) => void;
  readonly #checkPlace: () => void;
  readonly #insert: StatementSync;
  readonly #settleAll: StatementSync;
  readonly #settleOne: StatementSync;
  readonly #note: StatementSync;
  readonly #folded: StatementSync;
  readonly #setFolded: StatementSync;
  readonly #expire: StatementSync;

  /**
   * @param warn told of what no answer tells.
   * @param checkPlace throws when the files are no longer there: nothing is written then.
   */
  constructor(database: DatabaseSync, warn: (what: string) => void, checkPlace: () => void) {
    this.#checkPlace = checkPlace;
    this.#database = database;
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
    this.#folded = database.prepare(selectFolded);
    this.#setFolded = database.prepare('UPDATE identity SET folded = ?');
    this.#expire = database.prepare(`DELETE FROM entries WHERE number IN (
      SELECT number FROM entries WHERE changed < ? AND
      (changed < ? OR state NOT IN ('sending', 'prepared', 'in-doubt')) ORDER BY changed LIMIT ?)`);
  }

  /**
   * Takes over what the journal has, all or nothing; but a change that never can be stored is given
   * up aloud, and takes nothing else with it.
   *
   * @throws {OperationalError} STORE, or what SQLite throws.
   */
  fold(fold: Fold): void {
    if (fold.through <= Number(this.#folded.get()?.['folded'])) return;
    this.#checkPlace();
    try {
      this.#inTransaction(() => {
        for (const store of this.#steps(fold)) store();
        this.#setFolded.run(fold.through);
      });
    } catch (error) {
      if (!isOfTheValues(error)) throw error;
      this.#foldEach(fold);
    }
  }

  /** @returns how many entries were removed; `sliceMax` when there may be more. */
  expire(settled: number, unsettled: number): number {
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
  }

  #foldEach(fold: Fold): void {
    this.#inTransaction(() => {
      for (const store of this.#steps(fold)) {
        try {
          store();
        } catch (error) {
          if (!isOfTheValues(error)) throw error;
          this.#warn(`a change was given up: ${messageOf(error)}`);
        }
      }
      this.#setFolded.run(fold.through);
    });
  }

  *#steps({ entries, settlements, notes }: Fold): Generator<() => void> {
    // Of entries that are there already, and not of those that begin here.
    for (const settlement of settlements) {
      yield () => {
        this.#settle(settlement);
      };
    }
    for (const entry of entries) yield () => this.#insert.run(...valuesOf(entry));
    for (const note of notes) yield () => this.#note.run(...note);
  }

  #inTransaction(act: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      act();
      this.#database.exec('COMMIT');
    } finally {
      // SQLite has done it by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    }
  }

  #settle(change: Settlement): void {
    const { state, nextQueueId, reply, changed, attempt, from, recipients } = change;
    const values = [
      ...[state, nextQueueId ?? null, replyText(reply), changed],
      ...[attempt, JSON.stringify(from)],
    ];
    if (!recipients) this.#settleAll.run(...values);
    for (const one of recipients ?? []) this.#settleOne.run(...values, one.recipient, one.orcpt);
  }
}
