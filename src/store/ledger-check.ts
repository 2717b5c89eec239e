/** Whether a file is a ledger that this program can go on with. It changes nothing. */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, OperationalError } from '../errors.ts';
import { refuse } from './ledger-place.ts';
import { applicationId, numberPragma, schemaVersion } from './ledger-schema.ts';

/**
 * Reads the whole database.
 *
 * @returns its id.
 * @throws {OperationalError} STORE, with what an operator can do.
 */
export function checkLedger(file: string, database: DatabaseSync): string {
  try {
    checkFormat(file, database);
    const problems = database.prepare('PRAGMA quick_check(1)').all();
    const problem = String(Object.values(problems[0] ?? {})[0]);
    if (problem !== 'ok') refuse(file, `${file} is corrupt (${problem})`);
    return idOf(file, database);
  } catch (error) {
    if (error instanceof OperationalError) throw error;
    refuse(file, `${file} is corrupt or cannot be read (${messageOf(error)})`, error);
  }
}

/** @throws {OperationalError} STORE, or what SQLite throws. */
export function checkFormat(file: string, database: DatabaseSync): void {
  if (numberPragma(database, 'application_id') !== applicationId) {
    refuse(file, `${file} is no ledger of clamgate`);
  }
  const version = numberPragma(database, 'user_version');
  if (version === schemaVersion) return;
  // None was ever released: there is nothing to be taken over.
  if (version < schemaVersion) refuse(file, `${file} is of an older clamgate (${version})`);
  throw new OperationalError(
    'STORE',
    `the ledger ${file} has version ${version} and this clamgate knows ${schemaVersion}: ` +
      'run the clamgate that has written it',
  );
}

function idOf(file: string, database: DatabaseSync): string {
  const row = database.prepare('SELECT id FROM identity').get();
  return typeof row?.['id'] === 'string' ? row['id'] : refuse(file, `${file} has lost its id`);
}
