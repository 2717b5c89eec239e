/**
 * Copies of main.cf and master.cf below Postfix's configuration directory, one folder for each time
 * that they were changed, with the digests of what the change left: only that may be undone.
 */
import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, OperationalError } from '../errors.ts';

export interface Backup {
  /** The configuration directory. */
  readonly directory: string;
  /** The folder that the copies are in; its name is the time. */
  readonly folder: string;
}

export type Undo =
  | { readonly kind: 'undone'; readonly from: string }
  | { readonly kind: 'nothing' }
  /** Somebody else has changed these since, or it cannot be told. */
  | { readonly kind: 'changed'; readonly from: string; readonly files: readonly string[] };

const files = ['main.cf', 'master.cf'] as const;
const place = 'clamgate-backup';
const digestFile = 'left.json';
const name = /^\d{8}T\d{9}Z$/;

/** @param stamp the time to the millisecond, as `20261127T132200123Z`. @throws {OperationalError} STORE */
export function takeBackup(directory: string, stamp: string): Promise<Backup> {
  return storing(async () => {
    const folder = join(directory, place, stamp);
    // Passwords may stand in it; what is there keeps its own mode.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const file of files) await copyFile(join(directory, file), join(folder, file));
    return { directory, folder };
  });
}

/** Notes how the files are now. @throws {OperationalError} STORE */
export function seal({ directory, folder }: Backup): Promise<void> {
  return storing(async () => {
    const digests = await digestsOf(directory);
    await writeFile(join(folder, digestFile), `${JSON.stringify(digests)}\n`);
  });
}

/** Of a change that did not come about: nothing is to be undone. @throws {OperationalError} STORE */
export function setAside({ folder }: Backup): Promise<void> {
  return storing(() => rename(folder, `${folder}.failed`));
}

/** Each file that differs at once, with the owner and mode that it has. @throws {OperationalError} STORE */
export function putBack({ directory, folder }: Backup): Promise<void> {
  return storing(async () => {
    for (const file of files) {
      const target = await realpath(join(directory, file));
      const [was, is] = await Promise.all([readFile(join(folder, file)), readFile(target)]);
      if (!was.equals(is)) await replace(target, join(folder, file));
    }
  });
}

/** Puts a copy of `from` in the place of `target`, which keeps its owner and mode. */
async function replace(target: string, from: string): Promise<void> {
  const { mode, uid, gid } = await stat(target);
  const made = `${target}.clamgate`;
  try {
    await copyFile(from, made);
    await chmod(made, mode & 0o7777);
    await chown(made, uid, gid);
    await rename(made, target);
  } catch (error) {
    await rm(made, { force: true });
    throw error;
  }
}

/** Where main.cf or master.cf is a symbolic link: its name, and what it says. */
export type Links = readonly (readonly [file: string, to: string])[];

/** @throws {OperationalError} STORE */
export function linksIn(directory: string): Promise<Links> {
  return storing(async () => {
    const found = await Promise.all(
      files.map(async (file): Promise<Links> => {
        const path = join(directory, file);
        return (await lstat(path)).isSymbolicLink() ? [[file, await readlink(path)]] : [];
      }),
    );
    return found.flat();
  });
}

/**
 * postconf(1) puts a file in the place of a link: what it wrote goes to where the link led, and the
 * link is made again.
 *
 * @throws {OperationalError} STORE
 */
export function relink(directory: string, links: Links): Promise<void> {
  return storing(async () => {
    for (const [file, to] of links) {
      const path = join(directory, file);
      if ((await lstat(path)).isSymbolicLink()) continue;
      await replace(await realpath(resolve(directory, to)), path);
      const made = `${path}.clamgate`;
      await symlink(to, made);
      await rename(made, path);
    }
  });
}

/**
 * Puts back what was there before the newest change that is not undone yet, if the files are as it
 * left them.
 *
 * @throws {OperationalError} STORE
 */
export function undoNewest(directory: string): Promise<Undo> {
  return storing(async () => {
    const folder = await newest(directory);
    if (folder === undefined) return { kind: 'nothing' };
    const changed = await changedSince(directory, folder);
    if (changed.length > 0) return { kind: 'changed', from: folder, files: changed };
    await putBack({ directory, folder });
    await rename(folder, `${folder}.undone`);
    return { kind: 'undone', from: folder };
  });
}

async function newest(directory: string): Promise<string | undefined> {
  try {
    const entries = await readdir(join(directory, place));
    const last = entries.filter((entry) => name.test(entry)).sort();
    return last.length === 0 ? undefined : join(directory, place, last.at(-1) ?? '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All of them where a change was broken off, so that it cannot be told. */
async function changedSince(directory: string, folder: string): Promise<string[]> {
  const left = await readFile(join(folder, digestFile), 'utf8').catch(() => '{}');
  const then = new Map(Object.entries(JSON.parse(left) as Record<string, string>));
  const now = new Map(Object.entries(await digestsOf(directory)));
  return files.filter((file) => then.get(file) === undefined || then.get(file) !== now.get(file));
}

async function digestsOf(directory: string): Promise<Record<string, string>> {
  const digest = async (file: string): Promise<[string, string]> => {
    const content = await readFile(join(directory, file));
    return [file, createHash('sha256').update(content).digest('hex')];
  };
  return Object.fromEntries(await Promise.all(files.map(digest)));
}

async function storing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new OperationalError('STORE', messageOf(error), { cause: error });
  }
}
