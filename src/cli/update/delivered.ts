/**
 * Signatures that somebody else delivers: set apart, so that what is tried is what is installed, then
 * put into clamd's directory, each file whole or not at all.
 */
import {
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  symlink,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, isDatabase, listDatabases, superseded } from './databases.ts';

/** What is new, and where it is kept until it is installed. */
export interface SetApart {
  readonly directory: string;
  readonly names: readonly string[];
  readonly bytes: number;
}

/**
 * Copies what differs from what is installed into `apart`, which is emptied before.
 *
 * @returns undefined when nothing does.
 * @throws what the file system says, and an Error when it is more than `bytesMax`.
 */
export async function setApart(
  from: string,
  installed: string,
  apart: string,
  bytesMax: number,
): Promise<SetApart | undefined> {
  await rm(apart, { recursive: true, force: true });
  const present = new Map((await listDatabases(installed)).map((file) => [file.name, file]));
  const delivered = await listDatabases(from);
  const bytes = delivered.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > bytesMax)
    throw new Error(`${from} holds ${bytes} bytes; at most ${bytesMax} are taken`);
  await mkdir(apart, { mode: 0o755 });
  const names: string[] = [];
  for (const { name, bytes: size } of delivered) {
    const isSame =
      present.get(name)?.bytes === size &&
      (await digestOf(join(from, name))) === (await digestOf(join(installed, name)));
    if (isSame) continue;
    await copyFile(join(from, name), join(apart, name));
    // A clamd of another user has to read it.
    await chmod(join(apart, name), 0o644);
    names.push(name);
  }
  return names.length === 0 ? undefined : { directory: apart, names, bytes };
}

/**
 * Makes `into` a directory that loads as `installed` will when `apart` is installed: links only.
 *
 * @throws what the file system says.
 */
export async function overlay(installed: string, apart: SetApart, into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { mode: 0o755 });
  const present = (await readdir(installed)).filter(isDatabase);
  const replaced = new Set(apart.names.flatMap((name) => [name, ...superseded(name, present)]));
  for (const name of present) {
    if (!replaced.has(name)) await symlink(join(installed, name), join(into, name));
  }
  for (const name of apart.names) await symlink(join(apart.directory, name), join(into, name));
}

/**
 * Puts what was set apart into `installed`. A clamd that begins to load meanwhile finds each file as
 * it was or as it will be; two of one container for a moment, of which it takes the newer.
 *
 * @throws what the file system says; what was put there before stays.
 */
export async function install(apart: SetApart, installed: string): Promise<void> {
  const present = (await readdir(installed)).filter(isDatabase);
  for (const name of apart.names) {
    // No extension that clamd would take for signatures.
    const fresh = join(installed, `${name}.clamgate-new`);
    await copyFile(join(apart.directory, name), fresh);
    await durable(fresh);
    await rename(fresh, join(installed, name));
    for (const other of superseded(name, present)) await unlink(join(installed, other));
  }
  const directory = await open(installed);
  await directory.sync().finally(() => directory.close());
}

/** On the disk, and readable for a clamd of another user. */
async function durable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
}
