/**
 * Where the ledger lies, and that it is never begun anew by itself: a marker beside the database
 * says that there is one, and which. Whoever calls this holds the ledger's lock.
 */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, OperationalError } from '../errors.ts';
import { systemCode, type Files } from './files.ts';
import { journalHeader } from './ledger-journal.ts';
import { createTables } from './ledger-schema.ts';
import { readWhole, writeFile } from './stored-file.ts';

/** What stands beside the database. */
export const beside = {
  /** The ledger's id: there is, or was, a database of that id. */
  marker: (file: string) => `${file}.marker`,
  /**
   * There while a daemon has the ledger open, or has died so: then the -wal file and the journal must
   * be there.
   */
  open: (file: string) => `${file}.open`,
  /** There when the journal had to be left with what the database did not take. */
  unfolded: (file: string) => `${file}.unfolded`,
  lock: (file: string) => `${file}.lock`,
  journal: (file: string) => `${file}.journal`,
  scans: (file: string) => `${file}.scans`,
  wal: (file: string) => `${file}-wal`,
};

/** @throws {OperationalError} STORE, with what an operator can do. */
export function refuse(file: string, problem: string, cause?: unknown): never {
  throw new OperationalError(
    'STORE',
    `${problem}: restore the ledger ${file} with ${beside.journal(file)}, or move ${file}, ` +
      `${beside.wal(file)}, ${beside.journal(file)}, ${beside.open(file)}, ` +
      `${beside.unfolded(file)} and ${beside.marker(file)} away to begin a new one; then messages that are under way or being ` +
      'retried now may be delivered twice',
    { cause },
  );
}

/** @throws {OperationalError} STORE. */
export function refuseMissing(file: string, cause?: unknown): never {
  refuse(file, `${file} is missing, and its marker says that it was there`, cause);
}

/**
 * Creates the ledger where there is neither a database nor a marker.
 *
 * @returns the id in the marker; undefined when the marker is missing beside a database, which is
 *   so after a crash in mid-creation: then `mark` it when the database has been found good.
 * @throws {OperationalError} STORE.
 */
export async function findOrCreate(files: Files, file: string): Promise<string | undefined> {
  const id = await markerOf(files, file);
  const database = await files.ownershipOf(file);
  if (database) {
    // Root may write to it all the same: somebody did not want that.
    if ((database.mode & 0o200) === 0) refuse(file, `${file} is read-only`);
    await checkOpen(files, file);
    return id;
  }
  if (id !== undefined) refuseMissing(file);
  if ((await files.sizeOf(beside.journal(file))) !== undefined) {
    refuse(file, `${file} is missing, and its journal is there`);
  }
  await create(files, file);
  return undefined;
}

/** Creates the journal where it is missing, for the ledger of that id. @throws as `findOrCreate`. */
export async function createJournal(files: Files, file: string, id: string): Promise<void> {
  const path = beside.journal(file);
  if ((await files.sizeOf(path)) !== undefined) return;
  const fresh = `${path}.new`;
  await files.unlink(fresh);
  await writeFile(files, fresh, [journalHeader(id)]);
  await files.rename(fresh, path);
  await files.syncDirectory(dirname(file));
}

/**
 * What is written to a file that somebody has removed or replaced is gone with this process, and no
 * call but stat(2) tells.
 *
 * @returns throws {OperationalError} STORE when it is so.
 */
export function placeCheck(file: string): () => void {
  const paths = [file, beside.wal(file), beside.journal(file)];
  const opened = paths.map((path) => statSync(path));
  return () => {
    paths.forEach((path, index) => {
      const [now, then] = [statSync(path, { throwIfNoEntry: false }), opened[index]];
      if (now?.ino === then?.ino && now?.dev === then?.dev) return;
      const problem = `${path} has been removed or replaced while it was in use`;
      throw new OperationalError('STORE', problem);
    });
  };
}

/** Writes the marker of a database. @throws {OperationalError} STORE. */
export async function mark(files: Files, file: string, id: string): Promise<void> {
  const fresh = `${beside.marker(file)}.new`;
  await files.unlink(fresh);
  await writeFile(files, fresh, [Buffer.from(`${id}\n`)]);
  await files.rename(fresh, beside.marker(file));
  await files.syncDirectory(dirname(file));
}

/** Says, durably, that from now on a missing -wal file means lost entries. */
export async function markOpen(files: Files, file: string): Promise<void> {
  await createIfMissing(files, beside.open(file));
  await files.syncDirectory(dirname(file));
}

/** @param whole whether the database has all of the journal, which may then be missing. */
export async function unmarkOpen(files: Files, file: string, whole: boolean): Promise<void> {
  if (whole) for (const mark of [beside.unfolded, beside.open]) await files.unlink(mark(file));
  else await files.rename(beside.open(file), beside.unfolded(file));
  await files.syncDirectory(dirname(file));
}

/** SQLite would create it readable for everybody. @throws {OperationalError} STORE. */
export async function createIfMissing(files: Files, path: string): Promise<void> {
  try {
    const file = await files.create(path);
    await file.close();
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

async function markerOf(files: Files, file: string): Promise<string | undefined> {
  const path = beside.marker(file);
  if ((await files.sizeOf(path)) === undefined) return undefined;
  const text = String(await readWhole(files, path));
  const id = /^([0-9a-f]{32})\n$/.exec(text)?.[1];
  return id ?? refuse(file, `${path} does not hold a ledger's id`);
}

async function checkOpen(files: Files, file: string): Promise<void> {
  const isThere = async (path: string) => (await files.sizeOf(path)) !== undefined;
  const wasOpen = await isThere(beside.open(file));
  const needsJournal = wasOpen || (await isThere(beside.unfolded(file)));
  if (needsJournal && !(await isThere(beside.journal(file)))) {
    refuse(file, `${beside.journal(file)} is missing, with what was written last`);
  }
  if (!wasOpen || (await isThere(beside.wal(file)))) return;
  refuse(
    file,
    `${beside.wal(file)} is missing, with what was written last (if another program has ` +
      `merged it into the database since, all is well: remove ${beside.open(file)})`,
  );
}

/** The database gets its name when it is whole, so that a crash leaves it whole or not there. */
async function create(files: Files, file: string): Promise<void> {
  const fresh = `${file}.new`;
  for (const left of [fresh, `${fresh}-journal`]) await files.unlink(left);
  await createIfMissing(files, fresh);
  try {
    const database = new DatabaseSync(fresh);
    createTables(database, randomBytes(16).toString('hex'));
    database.close();
  } catch (cause) {
    throw new OperationalError('STORE', `cannot create ${fresh}: ${messageOf(cause)}`, { cause });
  }
  await files.rename(fresh, file);
  await files.syncDirectory(dirname(file));
}
