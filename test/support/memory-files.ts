import { posix } from 'node:path';
import { OperationalError } from '../../src/errors.ts';
import type { DirectoryEntry, Files, OpenFile, Ownership } from '../../src/store/files.ts';

class FileNode {
  ownership: Ownership = { uid: 0, gid: 0, mode: 0o600 };
  bytes: Buffer = Buffer.alloc(0);
  /** What an fsync has made durable. */
  synced: Buffer = Buffer.alloc(0);
}

class DirectoryNode {
  entries = new Map<string, FileNode | DirectoryNode>();
  /** The names that an fsync of the directory has made durable. */
  synced = new Map<string, FileNode | DirectoryNode>();
}

export interface Fault {
  /** Which operation fails, counted from 1. */
  readonly at: number;
  /** A crash fails that operation and all later ones. */
  readonly kind: 'ENOSPC' | 'EIO' | 'crash';
  /** All later operations fail too, not only that one. */
  readonly persistent?: boolean;
}

/** Whether a change that was not synced survives a crash all the same. */
export type Survives = (name: string) => boolean;

/**
 * A file system in memory that can be made to fail at its N-th operation, and to lose in a crash
 * what was not fsynced: the bytes of files, and the names in directories.
 */
export class MemoryFiles implements Files {
  readonly #root: DirectoryNode;
  #fault: Fault | undefined;
  /** Operations so far. */
  operations = 0;
  /** Whether the fault has come. */
  faulted = false;
  /** Files that are open. */
  handles = 0;

  constructor(root = new DirectoryNode()) {
    this.#root = root;
  }

  /** From now on the operations are counted anew, and fail as `fault` says. */
  failAt(fault: Fault | undefined): void {
    this.#fault = fault;
    this.operations = 0;
    this.faulted = false;
  }

  /** The file system as it is found after a crash at this moment. */
  afterCrash(survives: Survives = () => false): MemoryFiles {
    return new MemoryFiles(survivorOf(this.#root, '/', survives));
  }

  /** The paths of all files, sorted. */
  paths(): string[] {
    return [...walk(this.#root, '/')].sort();
  }

  /** Puts a file there, durably. */
  plant(path: string, bytes: Buffer, ownership?: Ownership): void {
    let directory = this.#root;
    for (const name of posix.dirname(path).split('/').filter(Boolean)) {
      const found = directory.entries.get(name);
      const next = found instanceof DirectoryNode ? found : new DirectoryNode();
      directory.entries.set(name, next);
      directory.synced.set(name, next);
      directory = next;
    }
    const file = new FileNode();
    file.bytes = file.synced = bytes;
    if (ownership) file.ownership = ownership;
    directory.entries.set(posix.basename(path), file);
    directory.synced.set(posix.basename(path), file);
  }

  async create(path: string, ownership?: Ownership): Promise<OpenFile> {
    await this.#step(`create ${path}`);
    const parent = this.#parent(path);
    if (parent.entries.has(posix.basename(path))) throw failure('EEXIST', path);
    const node = new FileNode();
    parent.entries.set(posix.basename(path), node);
    if (ownership) {
      await this.#step(`change the owner of ${path}`);
      node.ownership = ownership;
    }
    return this.#handle(node);
  }

  async open(path: string): Promise<OpenFile> {
    await this.#step(`open ${path}`);
    const node = this.#lookup(path);
    if (!(node instanceof FileNode)) throw failure(node ? 'EISDIR' : 'ENOENT', path);
    return this.#handle(node);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step(`rename ${from}`);
    const node = this.#lookup(from);
    if (!node) throw failure('ENOENT', from);
    this.#parent(to).entries.set(posix.basename(to), node);
    this.#parent(from).entries.delete(posix.basename(from));
  }

  async unlink(path: string): Promise<void> {
    await this.#step(`unlink ${path}`);
    const parent = this.#lookup(posix.dirname(path));
    if (parent instanceof DirectoryNode) parent.entries.delete(posix.basename(path));
  }

  async makeDirectory(path: string): Promise<boolean> {
    await this.#step(`make directory ${path}`);
    if (this.#lookup(path)) return false;
    this.#parent(path).entries.set(posix.basename(path), new DirectoryNode());
    return true;
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#step(`sync directory ${path}`);
    const node = this.#lookup(path);
    if (!(node instanceof DirectoryNode)) throw failure('ENOENT', path);
    node.synced = new Map(node.entries);
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    await this.#step(`list ${path}`);
    const node = this.#lookup(path);
    if (!(node instanceof DirectoryNode)) return [];
    return [...node.entries].map(([name, entry]) => ({
      name,
      isDirectory: entry instanceof DirectoryNode,
    }));
  }

  async sizeOf(path: string): Promise<number | undefined> {
    await this.#step(`stat ${path}`);
    const node = this.#lookup(path);
    return node instanceof FileNode ? node.bytes.length : undefined;
  }

  async ownershipOf(path: string): Promise<Ownership | undefined> {
    await this.#step(`stat ${path}`);
    const node = this.#lookup(path);
    return node instanceof FileNode ? node.ownership : undefined;
  }

  #handle(node: FileNode): OpenFile {
    let open = true;
    this.handles++;
    const step = async (what: string) => {
      if (!open) throw failure('EBADF', what);
      await this.#step(what);
    };
    return {
      append: async (bytes) => {
        // A disk that fills up takes part of a write.
        const half = bytes.subarray(0, bytes.length >> 1);
        await step('write').catch((error: unknown) => {
          node.bytes = Buffer.concat([node.bytes, half]);
          throw error;
        });
        node.bytes = Buffer.concat([node.bytes, bytes]);
      },
      readAt: async (target, position) => {
        await step('read');
        return node.bytes.copy(target, 0, position);
      },
      sync: async () => {
        await step('sync');
        node.synced = node.bytes;
      },
      close: async () => {
        if (!open) throw failure('EBADF', 'close');
        open = false;
        this.handles--;
        await this.#step('close');
      },
    };
  }

  /** Each operation takes a turn of the event loop, and is where a fault comes. */
  async #step(what: string): Promise<void> {
    await Promise.resolve();
    const fault = this.#fault;
    this.operations++;
    if (!fault || this.operations < fault.at) return;
    if (this.operations > fault.at && fault.kind !== 'crash' && !fault.persistent) return;
    this.faulted = true;
    throw failure(fault.kind === 'crash' ? 'EIO' : fault.kind, what);
  }

  #lookup(path: string): FileNode | DirectoryNode | undefined {
    let node: FileNode | DirectoryNode | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      node = node instanceof DirectoryNode ? node.entries.get(name) : undefined;
    }
    return node;
  }

  #parent(path: string): DirectoryNode {
    const node = this.#lookup(posix.dirname(path));
    if (!(node instanceof DirectoryNode)) throw failure('ENOENT', path);
    return node;
  }
}

function failure(code: string, what: string): OperationalError {
  const cause = Object.assign(new Error(`${code}: ${what}`), { code });
  return new OperationalError('STORE', `cannot ${what}: ${code}`, { cause });
}

function survivorOf(directory: DirectoryNode, path: string, survives: Survives): DirectoryNode {
  const survivor = new DirectoryNode();
  const names = new Set([...directory.entries.keys(), ...directory.synced.keys()]);
  for (const name of names) {
    const full = posix.join(path, name);
    const source = survives(full) ? directory.entries : directory.synced;
    const node = source.get(name);
    if (!node) continue;
    const kept =
      node instanceof FileNode
        ? fileSurvivor(node, full, survives)
        : survivorOf(node, full, survives);
    survivor.entries.set(name, kept);
    survivor.synced.set(name, kept);
  }
  return survivor;
}

/** Its bytes are asked about apart from its name: a name can survive without them. */
function fileSurvivor(node: FileNode, path: string, survives: Survives): FileNode {
  const file = new FileNode();
  file.ownership = node.ownership;
  file.bytes = file.synced = survives(`${path} bytes`) ? node.bytes : node.synced;
  return file;
}

function* walk(directory: DirectoryNode, path: string): Generator<string> {
  for (const [name, node] of directory.entries) {
    const full = posix.join(path, name);
    if (node instanceof DirectoryNode) yield* walk(node, full);
    else yield full;
  }
}
