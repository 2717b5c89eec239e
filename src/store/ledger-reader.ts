/**
 * Reading the ledger, beside whoever writes it: each call sees what is committed at that moment, and
 * nobody waits for anybody. Several programs may read at once, without a lock.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, OperationalError } from '../errors.ts';
import type { AttemptState, LedgerEntry } from './ledger.ts';
import { checkFormat } from './ledger-check.ts';
import { beside } from './ledger-place.ts';
import { entryOf, selectEntries, type LedgerRow } from './ledger-rows.ts';

/** Which entries are asked for: those that meet all that is given. */
export interface EntryFilter {
  readonly states?: readonly AttemptState[];
  readonly queueId?: string;
  /** The address as the envelope has it. */
  readonly recipient?: string;
  /** Last changed before; milliseconds since the epoch. */
  readonly changedBefore?: number;
  /** Last changed then or later; milliseconds since the epoch. */
  readonly changedSince?: number;
}

const pageRows = 500;

export class LedgerReader {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #ofAttempt: StatementSync;
  readonly #unsettled: StatementSync;
  readonly #note: StatementSync;
  readonly #scansDatabase: DatabaseSync | undefined;
  readonly #scans: StatementSync | undefined;

  /** @param scans without it, no scan is known to have been broken. */
  constructor(file: string, database: DatabaseSync, scans: DatabaseSync | undefined) {
    this.#file = file;
    this.#database = database;
    this.#scansDatabase = scans;
    this.#find = database.prepare(`${selectEntries} WHERE queue_id = ? ORDER BY began, number`);
    this.#ofAttempt = database.prepare(`${selectEntries} WHERE attempt = ? ORDER BY number`);
    this.#unsettled = database.prepare(
      `${selectEntries} WHERE state IN ('sending', 'prepared', 'in-doubt') ORDER BY began, number`,
    );
    this.#note = database.prepare('SELECT value FROM notes WHERE name = ?');
    this.#scans = scans?.prepare('SELECT unended FROM scans WHERE digest = ?');
  }

  /** As Ledger.find. @throws {OperationalError} STORE. */
  find(queueId: string): readonly LedgerEntry[] {
    return this.#read(() => entriesOf(this.#find.all(queueId)));
  }

  /** All entries of one attempt, in the order in which they came. @throws as `find`. */
  ofAttempt(attempt: string): readonly LedgerEntry[] {
    return this.#read(() => entriesOf(this.#ofAttempt.all(attempt)));
  }

  /** As Ledger.unsettled. @throws {OperationalError} STORE. */
  unsettled(): readonly LedgerEntry[] {
    return this.#read(() => entriesOf(this.#unsettled.all()));
  }

  /** As Ledger.brokenScans. @throws {OperationalError} STORE. */
  brokenScans(digest: string): number {
    return this.#read(() => Number(this.#scans?.get(digest)?.['unended'] ?? 0));
  }

  /** As Ledger.note. @throws {OperationalError} STORE. */
  note(name: string): string | undefined {
    return this.#read(() => {
      const value = this.#note.get(name)?.['value'];
      return typeof value === 'string' ? value : undefined;
    });
  }

  /**
   * All entries that the filter lets through, in the order in which they came. It reads some at a
   * time: what is committed meanwhile may be among them.
   *
   * @throws {OperationalError} STORE.
   */
  *entries(filter: EntryFilter = {}): Generator<LedgerEntry, void> {
    const select = this.#read(() => this.#database.prepare(filteredEntries));
    const { states, queueId, recipient, changedBefore, changedSince } = filter;
    const values = [
      ...[states ? JSON.stringify(states) : null, queueId ?? null, recipient ?? null],
      ...[changedBefore ?? null, changedSince ?? null],
    ];
    for (let last = 0; ;) {
      // No statement stays open in between: that would keep the -wal file from being reused.
      const page = this.#read(() => rowsOf(select.all(...values, last, pageRows)));
      for (const row of page) yield this.#read(() => entryOf(row));
      last = page.at(-1)?.number ?? last;
      if (page.length < pageRows) return;
    }
  }

  /** Nothing can be read afterwards. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
    if (this.#scansDatabase?.isOpen) this.#scansDatabase.close();
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      const message = `cannot read the ledger ${this.#file}: ${messageOf(cause)}`;
      throw new OperationalError('STORE', message, { cause });
    }
  }
}

const filteredEntries = `${selectEntries}
  WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
  AND (?2 IS NULL OR queue_id = ?2) AND (?3 IS NULL OR recipient = ?3)
  AND (?4 IS NULL OR changed < ?4) AND (?5 IS NULL OR changed >= ?5)
  AND number > ?6 ORDER BY number LIMIT ?7`;

/**
 * Opens a ledger for reading, whether or not a daemon has it open.
 *
 * @throws {OperationalError} STORE, when there is none, or none that this program can read.
 */
export function openLedgerReader(file: string): LedgerReader {
  const database = openForReading(file);
  try {
    checkFormat(file, database);
    return new LedgerReader(file, database, openScansForReading(beside.scans(file)));
  } catch (cause) {
    database.close();
    if (cause instanceof OperationalError) throw cause;
    throw unreadable(file, cause);
  }
}

function openForReading(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { readOnly: true, timeout: 100 });
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** Undefined where nothing was ever scanned. */
function openScansForReading(path: string): DatabaseSync | undefined {
  try {
    return openForReading(path);
  } catch {
    return undefined;
  }
}

function unreadable(file: string, cause: unknown): OperationalError {
  const message = `cannot read the ledger ${file}: ${messageOf(cause)}`;
  return new OperationalError('STORE', message, { cause });
}

function entriesOf(answer: unknown): LedgerEntry[] {
  return rowsOf(answer).map(entryOf);
}

/** What `selectEntries` gives. */
function rowsOf(answer: unknown): readonly LedgerRow[] {
  return answer as readonly LedgerRow[];
}
