/**
 * How many scans of which bytes began and never ended, in a database of its own that is never
 * synced: it survives the death of the process, and a power loss may take it. It is a counter
 * against messages that kill the daemon, no custody, so that a damaged one is begun anew.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf } from '../errors.ts';
import type { Files } from './files.ts';
import type { LedgerChange } from './ledger.ts';
import { createIfMissing } from './ledger-place.ts';
import { numberPragma } from './ledger-schema.ts';

export type ScanChange = Extract<LedgerChange, { kind: 'scan-began' | 'scan-ended' }>;

/** Digests that are remembered; beyond it the oldest go. Each is there while it is scanned. */
export const scansMax = 10_000;

const schemaVersion = 1;
const table = `
CREATE TABLE IF NOT EXISTS scans (
  digest TEXT PRIMARY KEY, unended INTEGER NOT NULL, at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS scans_at ON scans (at);
PRAGMA user_version = ${schemaVersion};
`;

export function isScanChange(change: LedgerChange): change is ScanChange {
  return change.kind === 'scan-began' || change.kind === 'scan-ended';
}

export class ScanLog {
  readonly #database: DatabaseSync;
  readonly #began: StatementSync;
  readonly #ended: StatementSync;
  readonly #forget: StatementSync;

  /** @param database of `openScans`. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#began = database.prepare(
      `INSERT INTO scans VALUES (?, 1, ?) ON CONFLICT (digest)
       DO UPDATE SET unended = unended + 1, at = max(at, excluded.at)`,
    );
    this.#ended = database.prepare('UPDATE scans SET unended = unended - 1 WHERE digest = ?');
    this.#forget = database.prepare('DELETE FROM scans WHERE digest = ? AND unended <= 0');
  }

  /** All or nothing. @throws what SQLite throws. */
  apply(changes: readonly ScanChange[]): void {
    if (changes.length === 0) return;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const change of changes) this.#applyOne(change);
      this.#database.exec('COMMIT');
    } finally {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    }
  }

  /**
   * Forgets scans that began before `before`, and what is over `scansMax`.
   *
   * @throws what SQLite throws.
   */
  expire(before: number): void {
    this.#database.prepare('DELETE FROM scans WHERE at < ?').run(before);
    this.#database
      .prepare(
        `DELETE FROM scans WHERE digest IN
         (SELECT digest FROM scans ORDER BY at DESC LIMIT -1 OFFSET ?)`,
      )
      .run(scansMax);
  }

  close(): void {
    this.#database.close();
  }

  #applyOne(change: ScanChange): void {
    if (change.kind === 'scan-began') {
      this.#began.run(change.digest, change.at);
    } else {
      this.#ended.run(change.digest);
      this.#forget.run(change.digest);
    }
  }
}

/**
 * @param warn told when what was there cannot be used and is thrown away.
 * @throws {OperationalError} STORE, or what SQLite throws.
 */
export async function openScans(
  files: Files,
  path: string,
  warn: (what: string) => void,
): Promise<DatabaseSync> {
  try {
    return await openThere(files, path);
  } catch (error) {
    warn(`${path} is begun anew, which forgets scans that never ended: ${messageOf(error)}`);
    for (const ending of ['', '-wal', '-shm']) await files.unlink(`${path}${ending}`);
    return openThere(files, path);
  }
}

async function openThere(files: Files, path: string): Promise<DatabaseSync> {
  await createIfMissing(files, path);
  const database = new DatabaseSync(path, { timeout: 1000 });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
    const version = numberPragma(database, 'user_version');
    if (version > schemaVersion) throw new Error(`it has version ${version}`);
    database.exec(table);
    const [answer] = database.prepare('PRAGMA quick_check(1)').all();
    if (answer?.['quick_check'] !== 'ok') throw new Error('it is corrupt');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
