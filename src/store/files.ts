/**
 * The file operations that the store needs, and nothing else of a file system: the seam where tests
 * make each one of them fail. Durability is spelled out by the callers: a file's bytes are safe
 * after `sync`, its name after `syncDirectory` of the directory it stands in.
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OperationalError } from '../errors.ts';

/** A file that is open. All of its operations throw OperationalError STORE. */
export interface OpenFile {
  /** Writes all of `bytes` after what was written before through this handle. */
  append(bytes: Buffer): Promise<void>;
  /** Fills `target` from `position` on as far as the file goes; returns how many bytes that was. */
  readAt(target: Buffer, position: number): Promise<number>;
  /** fsync(2). */
  sync(): Promise<void>;
  /** After the operations that are under way; the file cannot be used any more. */
  close(): Promise<void>;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Who may use a file. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** The permission bits. */
  readonly mode: number;
}

/** All operations throw OperationalError STORE, with the system's error as its cause. */
export interface Files {
  /**
   * Creates a file that must not exist yet, for writing and reading: mode 0600 and the process's
   * own, or with all of `ownership`.
   */
  create(path: string, ownership?: Ownership): Promise<OpenFile>;
  /** Opens a file for reading. */
  open(path: string): Promise<OpenFile>;
  /** Replaces what stands at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** A file that is not there counts as removed. */
  unlink(path: string): Promise<void>;
  /** Creates a directory, mode 0700, in one that exists; false when it was there already. */
  makeDirectory(path: string): Promise<boolean>;
  /** fsync(2) of a directory: the names in it survive a crash. */
  syncDirectory(path: string): Promise<void>;
  /** In no order; a directory that is not there is empty. */
  list(path: string): Promise<readonly DirectoryEntry[]>;
  /** In bytes; undefined when there is no such file. */
  sizeOf(path: string): Promise<number | undefined>;
  /** Undefined when there is no such file. */
  ownershipOf(path: string): Promise<Ownership | undefined>;
}

const permissions = 0o7777;
const fileMode = 0o600;
const directoryMode = 0o700;

export const nodeFiles: Files = {
  create: async (path, ownership) => {
    const handle = await guard(`create ${path}`, open(path, 'wx+', fileMode));
    if (ownership) await guard(`change the owner of ${path}`, handOver(handle, ownership));
    return new NodeFile(handle, path);
  },
  open: async (path) => new NodeFile(await guard(`open ${path}`, open(path, 'r')), path),
  rename: (from, to) => guard(`rename ${from} to ${to}`, rename(from, to)),
  unlink: (path) => guard(`unlink ${path}`, unless('ENOENT', unlink(path), undefined)),
  makeDirectory: (path) =>
    guard(
      `make directory ${path}`,
      unless(
        'EEXIST',
        mkdir(path, directoryMode).then(() => true),
        false,
      ),
    ),
  syncDirectory: (path) => guard(`sync directory ${path}`, syncDirectory(path)),
  list: async (path) => {
    const entries = readdir(path, { withFileTypes: true });
    const found = await guard(`list ${path}`, unless('ENOENT', entries, []));
    return found.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
  },
  sizeOf: async (path) => {
    const found = await guard(`stat ${path}`, unless('ENOENT', stat(path), undefined));
    return found?.size;
  },
  ownershipOf: async (path) => {
    const found = await guard(`stat ${path}`, unless('ENOENT', stat(path), undefined));
    return found && ownershipIn(found);
  },
};

class NodeFile implements OpenFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #end = 0;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async append(bytes: Buffer): Promise<void> {
    let rest = bytes;
    // write(2) may take fewer bytes than it was given, on a full disk for one.
    while (rest.length > 0) {
      const writing = this.#handle.write(rest, 0, rest.length, this.#end);
      const { bytesWritten } = await guard(`write ${this.#path}`, writing);
      this.#end += bytesWritten;
      rest = rest.subarray(bytesWritten);
    }
  }

  async readAt(target: Buffer, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const length = target.length - filled;
      const reading = this.#handle.read(target, filled, length, position + filled);
      const { bytesRead } = await guard(`read ${this.#path}`, reading);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  sync(): Promise<void> {
    return guard(`sync ${this.#path}`, this.#handle.sync());
  }

  close(): Promise<void> {
    return guard(`close ${this.#path}`, this.#handle.close());
  }
}

/**
 * Creates `path` and what is missing above it, and makes each name durable in its parent; also
 * where it was there, for who made it may have died, or failed, before its name was durable.
 */
export async function ensureDirectory(files: Files, path: string): Promise<void> {
  const parent = dirname(path);
  if (path === parent) return;
  await ensureDirectory(files, parent);
  const made = await files.makeDirectory(path);
  try {
    await files.syncDirectory(parent);
  } catch (error) {
    // A directory that we may not read was not made by us, nor what stands in it.
    if (made || systemCode(error) !== 'EACCES') throw error;
  }
}

/**
 * Creates a directory where it is missing, and makes sure that files can be created in it.
 *
 * @throws {OperationalError} STORE.
 */
export async function prepareDirectory(files: Files, path: string): Promise<void> {
  await ensureDirectory(files, path);
  const probe = join(path, `${randomBytes(16).toString('hex')}.probe`);
  const file = await files.create(probe);
  await files.unlink(probe);
  await file.close();
}

/** The errno name behind an OperationalError, such as 'ENOSPC'. */
export function systemCode(error: unknown): string | undefined {
  const cause = error instanceof OperationalError ? error.cause : error;
  const code = typeof cause === 'object' && cause && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** By the handle, never by the name, under which somebody else may have put another file. */
async function handOver(handle: FileHandle, to: Ownership): Promise<void> {
  try {
    const { uid, gid } = await handle.stat();
    // Only root may chown at all; who owns the file already need not.
    if (uid !== to.uid || gid !== to.gid) await handle.chown(to.uid, to.gid);
    // After chown(2), which may take bits away.
    if (ownershipIn(await handle.stat()).mode !== to.mode) await handle.chmod(to.mode);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function ownershipIn({ uid, gid, mode }: Stats): Ownership {
  return { uid, gid, mode: mode & permissions };
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function guard<T>(what: string, doing: Promise<T>): Promise<T> {
  try {
    return await doing;
  } catch (cause) {
    throw new OperationalError('STORE', `cannot ${what}: ${messageOf(cause)}`, { cause });
  }
}

/** What `doing` comes to, or `otherwise` when it fails with this errno. */
async function unless<T, U>(code: string, doing: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await doing;
  } catch (error) {
    if (systemCode(error) === code) return otherwise;
    throw error;
  }
}
