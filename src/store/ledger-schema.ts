/** The tables of the ledger's database, and how its own pages are told from another program's. */
import type { DatabaseSync } from 'node:sqlite';

/** "Clmg": what `file` and SQLite know the database by. */
export const applicationId = 0x43_6c_6d_67;

/** Raised when the tables change in a way that an older clamgate would misread. */
export const schemaVersion = 2;

const tables = `
CREATE TABLE identity (id TEXT NOT NULL, opened INTEGER NOT NULL, folded INTEGER NOT NULL) STRICT;
CREATE TABLE entries (
  number INTEGER PRIMARY KEY,
  attempt TEXT NOT NULL,
  queue_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  recipient TEXT NOT NULL,
  orcpt TEXT NOT NULL,
  state TEXT NOT NULL,
  next_hop TEXT NOT NULL,
  next_queue_id TEXT,
  reply TEXT,
  quarantine_id TEXT,
  began REAL NOT NULL,
  changed REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_attempt ON entries (attempt, recipient, orcpt);
CREATE INDEX entries_queue_id ON entries (queue_id);
CREATE INDEX entries_changed ON entries (changed);
CREATE INDEX entries_unsettled ON entries (began)
  WHERE state IN ('sending', 'prepared', 'in-doubt');
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** The number of the journal's record up to which the database has everything. */
export const selectFolded = 'SELECT folded FROM identity';

/** @throws what SQLite throws. */
export function foldedIn(database: DatabaseSync): number {
  return Number(database.prepare(selectFolded).get()?.['folded']);
}

/** Makes an empty database a ledger. @throws what SQLite throws. */
export function createTables(database: DatabaseSync, id: string): void {
  // Pages that retention has emptied can be given back a few at a time; it must be said first.
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = FULL; BEGIN');
  database.exec(tables);
  database.prepare('INSERT INTO identity VALUES (?, 0, 0)').run(id);
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
  database.exec('COMMIT');
}

/** A pragma that answers with one number. @throws what SQLite throws. */
export function numberPragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}
