/** The signatures in a directory, as clamd would load them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What clamd takes for signatures, by its extension (libclamav/readdb.h, CLI_DBEXT). */
const extensions = new Set(
  (
    'cvd cld cud hdb hdu hsb hsu mdb mdu msb msu imp ndb ndu ldb ldu fp sfp ign ign2 pdb wdb gdb db ' +
    'sdb zmd rmd cat crb cdb cbc idb ftm pwdb info cfg yar yara ioc'
  ).split(' '),
);

/** Containers of ClamAV's own: of one name only one is there at a time. */
const container = /^(.+)\.(?:cvd|cld|cud)$/;

/** "ClamAV-VDB:", the time, and the number that VERSION tells. */
const header = /^ClamAV-VDB:[^:]*:(\d{1,10}):/;
const headerBytes = 512;

export interface DatabaseFile {
  readonly name: string;
  readonly bytes: number;
  /** Of the last change of the file itself, which a copied time of modification cannot hide. */
  readonly changedMs: number;
}

/** Regular files only. @throws what the file system says. */
export async function listDatabases(directory: string): Promise<DatabaseFile[]> {
  const files: DatabaseFile[] = [];
  for (const name of (await readdir(directory)).sort()) {
    if (!isDatabase(name)) continue;
    const facts = await stat(join(directory, name));
    if (facts.isFile()) files.push({ name, bytes: facts.size, changedMs: facts.ctimeMs });
  }
  return files;
}

export function isDatabase(name: string): boolean {
  // Signatures of containers, from ClamAV 1.5 on, belong to what is loaded.
  const plain = name.replace(/\.sign$/, '');
  return !name.startsWith('.') && extensions.has(/\.([^.]+)$/.exec(plain)?.[1] ?? '');
}

/** Stands for all of them; another as soon as one is changed, added or removed. */
export function fingerprint(files: readonly DatabaseFile[]): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

/** The names in `present` that must go when `name` comes: daily.cld when it is daily.cvd. */
export function superseded(name: string, present: readonly string[]): string[] {
  const stem = container.exec(name)?.[1];
  if (stem === undefined) return [];
  return present.filter((other) => other !== name && container.exec(other)?.[1] === stem);
}

/**
 * The number that a clamd tells which has loaded this directory.
 *
 * @returns undefined where there is no daily database, or it cannot be read.
 */
export async function databaseNumber(directory: string): Promise<number | undefined> {
  const numbers: number[] = [];
  for (const name of ['daily.cvd', 'daily.cld', 'daily.cud']) {
    const match = header.exec(await beginning(join(directory, name)));
    if (match) numbers.push(Number(match[1]));
  }
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

async function beginning(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

/** SHA-256 of a file's bytes. @throws what the file system says. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
