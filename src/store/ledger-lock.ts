/**
 * One daemon a ledger: a lock that dies with the process, whatever ends it. It is SQLite's own lock
 * on a file that holds nothing, since Node.js has no call for fcntl(2) locks. Nobody may open that
 * file in another way: its lock would be lost when any descriptor of it in the process is closed.
 */
import { DatabaseSync } from 'node:sqlite';
import { messageOf, OperationalError } from '../errors.ts';
import type { Files } from './files.ts';
import { createIfMissing } from './ledger-place.ts';
import { isBusy } from './sqlite-error.ts';

export interface LedgerLock {
  release(): void;
}

/**
 * Blocks the thread while it waits.
 *
 * @throws {OperationalError} STORE, when another holds it for `waitMs`, or it cannot be had at all.
 */
export async function takeLock(files: Files, path: string, waitMs: number): Promise<LedgerLock> {
  await createIfMissing(files, path);
  try {
    const database = new DatabaseSync(path, { timeout: waitMs });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return {
      release: () => {
        database.close();
      },
    };
  } catch (cause) {
    const why = isBusy(cause) ? 'another clamgate has the ledger open' : messageOf(cause);
    throw new OperationalError('STORE', `cannot lock ${path}: ${why}`, { cause });
  }
}
