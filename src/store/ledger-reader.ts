/**
 * Reading the ledger, beside whoever writes it: each call sees what is committed at that moment, and
 * nobody waits for anybody. Several programs may read at once, without a lock.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, OperationalError } from '../errors.ts';
import type { AttemptState, LedgerEntry } from './ledger.ts';
import { systemCode } from './files.ts';
import { checkFormat } from './ledger-check.ts';
import { decodeJournal, type Journal, unfoldedRecords } from './ledger-journal.ts';
import { beside, refuseMissing } from './ledger-place.ts';
import { entryOf, selectEntries, type LedgerRow } from './ledger-rows.ts';
import { selectFolded } from './ledger-schema.ts';
import { Unfolded } from './ledger-unfolded.ts';

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
  readonly #folded: StatementSync;
  readonly #unfolded: () => readonly Unfolded[];

  /** @param unfolded what is durable and perhaps not in the database yet, the older first. */
  constructor(file: string, database: DatabaseSync, unfolded: () => readonly Unfolded[]) {
    this.#file = file;
    this.#database = database;
    this.#unfolded = unfolded;
    this.#find = database.prepare(`${selectEntries} WHERE queue_id = ? ORDER BY began, number`);
    this.#ofAttempt = database.prepare(`${selectEntries} WHERE attempt = ? ORDER BY number`);
    this.#unsettled = database.prepare(
      `${selectEntries} WHERE state IN ('sending', 'prepared', 'in-doubt') ORDER BY began, number`,
    );
    this.#note = database.prepare('SELECT value FROM notes WHERE name = ?');
    this.#folded = database.prepare(selectFolded);
  }

  /** As Ledger.find. @throws {OperationalError} STORE. */
  find(queueId: string): readonly LedgerEntry[] {
    return this.#overlaid<readonly LedgerEntry[]>(
      () => entriesOf(this.#find.all(queueId)),
      (stored, more) => more.ofMessage(stored, queueId),
    );
  }

  /** All entries of one attempt, in the order in which they came. @throws as `find`. */
  ofAttempt(attempt: string): readonly LedgerEntry[] {
    return this.#overlaid<readonly LedgerEntry[]>(
      () => entriesOf(this.#ofAttempt.all(attempt)),
      (stored, more) => more.ofAttempt(stored, attempt),
    );
  }

  /** As Ledger.unsettled. @throws {OperationalError} STORE. */
  unsettled(): readonly LedgerEntry[] {
    return this.#overlaid<readonly LedgerEntry[]>(
      () => entriesOf(this.#unsettled.all()),
      (stored, more) => more.unsettled(stored),
    );
  }

  /** As Ledger.note. @throws {OperationalError} STORE. */
  note(name: string): string | undefined {
    return this.#overlaid(
      () => this.#note.get(name)?.['value'] as string | undefined,
      (stored, more) => more.note(name) ?? stored,
    );
  }

  /** The number of the journal's record up to which the database has everything. @throws as `find`. */
  folded(): number {
    return this.#read(() => Number(this.#folded.get()?.['folded']));
  }

  /** Of the ledger. @throws as `find`. */
  id(): string {
    const identity = this.#read(() => this.#database.prepare('SELECT id FROM identity').get());
    return String(identity?.['id']);
  }

  /**
   * All entries that the filter lets through, in the order in which they came. It reads some at a
   * time: what is committed meanwhile may be among them.
   *
   * @throws {OperationalError} STORE.
   */
  *entries(filter: EntryFilter = {}): Generator<LedgerEntry, void> {
    const unfolded = this.#unfolded();
    const select = this.#read(() => this.#database.prepare(filteredEntries));
    const { states, queueId, recipient, changedBefore, changedSince } = filter;
    const values = [
      ...[states ? JSON.stringify(states) : null, queueId ?? null, recipient ?? null],
      ...[changedBefore ?? null, changedSince ?? null],
      // These may pass the filter when they are as they are to become.
      JSON.stringify(unfolded.flatMap((one) => one.settledAttempts)),
    ];
    const seen = new Set<string>();
    for (let last = 0; ;) {
      // No statement stays open in between: that would keep the -wal file from being reused.
      const page = this.#read(() => rowsOf(select.all(...values, last, pageRows)));
      const stored: readonly LedgerEntry[] = this.#read(() => page.map(entryOf));
      const entries = unfolded.reduce((all, one) => one.changed(all), stored);
      for (const entry of entries) {
        if (unfolded.some((one) => one.has(entry))) seen.add(nameOf(entry));
        if (passes(entry, filter)) yield entry;
      }
      last = page.at(-1)?.number ?? last;
      if (page.length < pageRows) break;
    }
    const begun = unfolded.flatMap((one) => one.entries());
    yield* begun.filter((one) => !seen.has(nameOf(one)) && passes(one, filter));
  }

  /** Nothing can be read afterwards. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /**
   * Lays what is not in the database yet over what is in it. While the older part is on its way into
   * the database, only a transaction tells on which side of that the answer is.
   */
  #overlaid<T>(ask: () => T, overlay: (stored: T, more: Unfolded) => T): T {
    const [older, ...newer] = this.#unfolded();
    if (!older || newer.length === 0)
      return older ? overlay(this.#read(ask), older) : this.#read(ask);
    return this.#read(() => {
      this.#database.exec('BEGIN');
      try {
        const stored = ask();
        const isFolded = this.folded() >= older.through;
        return newer.reduce(overlay, isFolded ? stored : overlay(stored, older));
      } finally {
        this.#database.exec('COMMIT');
      }
    });
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
  WHERE (?2 IS NULL OR queue_id = ?2) AND (?3 IS NULL OR recipient = ?3)
  AND (attempt IN (SELECT value FROM json_each(?6)) OR (
    (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
    AND (?4 IS NULL OR changed < ?4) AND (?5 IS NULL OR changed >= ?5)))
  AND number > ?7 ORDER BY number LIMIT ?8`;

function passes(entry: LedgerEntry, filter: EntryFilter): boolean {
  const { states, queueId, recipient, changedBefore, changedSince } = filter;
  return (
    (states?.includes(entry.state) ?? true) &&
    (queueId === undefined || entry.queueId === queueId) &&
    (recipient === undefined || entry.recipient === recipient) &&
    (changedBefore === undefined || entry.changed < changedBefore) &&
    (changedSince === undefined || entry.changed >= changedSince)
  );
}

function nameOf({ attempt, recipient, orcpt }: LedgerEntry): string {
  return JSON.stringify([attempt, recipient, orcpt]);
}

/**
 * Opens a ledger for reading, whether or not a daemon has it open. Of what is not in the database yet
 * it has what is in the journal now; what a daemon moves from there into the database meanwhile is
 * seen twice, which changes nothing: no state is taken back.
 *
 * @throws {OperationalError} STORE, when there is none, or none that this program can read.
 */
export function openLedgerReader(file: string): LedgerReader {
  // First: what is no longer in the journal later is in the database.
  const journal = readJournal(beside.journal(file));
  const unfolded = new Unfolded();
  const reader = openLedgerDatabase(file, () => [unfolded]);
  const records = journal?.kind === 'journal' ? journal.records : [];
  for (const { changes, number } of unfoldedRecords(records, reader.folded()).records) {
    unfolded.take(changes, number);
  }
  return reader;
}

/**
 * @param unfolded as for LedgerReader.
 * @throws {OperationalError} STORE, when there is none, or none that this program can read.
 */
export function openLedgerDatabase(
  file: string,
  unfolded: () => readonly Unfolded[],
): LedgerReader {
  const database = openForReading(file);
  try {
    checkFormat(file, database);
    return new LedgerReader(file, database, unfolded);
  } catch (cause) {
    database.close();
    if (cause instanceof OperationalError) throw cause;
    throw unreadable(file, cause);
  }
}

function readJournal(path: string): Journal | undefined {
  try {
    return decodeJournal(readFileSync(path));
  } catch {
    return undefined;
  }
}

function openForReading(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { readOnly: true, timeout: 100 });
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): OperationalError {
  const message = `cannot read the ledger ${file}: ${obstacleTo(file) ?? messageOf(cause)}`;
  return new OperationalError('STORE', message, { cause });
}

/** SQLite says "unable to open database file" of nearly everything. */
function obstacleTo(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isDirectory() ? 'it is a directory' : undefined;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') return messageOf(error);
    if (existsSync(beside.marker(file))) refuseMissing(file, error);
    return 'there is none; the daemon makes one when it starts ([ledger] file)';
  }
}

function entriesOf(answer: unknown): LedgerEntry[] {
  return rowsOf(answer).map(entryOf);
}

/** What `selectEntries` gives. */
function rowsOf(answer: unknown): readonly LedgerRow[] {
  return answer as readonly LedgerRow[];
}
