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
  const lock = await lockFile(files, path, waitMs);
  if (lock) return lock;
  throw cannotLock(path, 'another clamgate has the ledger open');
}

/**
 * As `takeLock`, for any file that is nothing but a lock.
 *
 * @returns undefined when another holds it for `waitMs`.
 * @throws {OperationalError} STORE, when it cannot be had at all.
 */
export async function lockFile(
  files: Files,
  path: string,
  waitMs: number,
): Promise<LedgerLock | undefined> {
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
    if (isBusy(cause)) return undefined;
    throw cannotLock(path, messageOf(cause), cause);
  }
}

function cannotLock(path: string, why: string, cause?: unknown): OperationalError {
  return new OperationalError('STORE', `cannot lock ${path}: ${why}`, { cause });
}
