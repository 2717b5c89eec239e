import { createHash, type Hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import { Cancelled, cancelCause, notNeeded } from '../errors.ts';
import { prepareDirectory, type Files, type OpenFile } from './files.ts';
import { MemoryTail } from './memory-tail.ts';

/** What a spool does with files. */
export type SpoolFiles = Pick<Files, 'create' | 'unlink'>;

export interface SpoolSettings {
  readonly files: SpoolFiles;
  /** Where spool files are created; see `prepareSpoolDirectory`. */
  readonly directory: string;
  /** Up to this size a content stays in memory (limits.spoolMemoryBytes). */
  readonly memoryBytes: number;
}

/** What one read brings back from a spool file. */
const pieceBytes = 64 * 1024;

/**
 * The content of one message while it is in our hands. One writer, any number of readers at once,
 * each at its own pace. Small contents stay in memory; a larger one moves to a file that has lost
 * its name as soon as it is open, so that nothing is left of it whatever ends the process. Nothing
 * is fsynced: a crash leaves the message with the sender, who has had no answer yet.
 */
export class Spool implements Content {
  readonly #settings: SpoolSettings;
  readonly #memory = new MemoryTail();
  /** Of what was written, once it is in a file: a small content is hashed in one go. */
  #hash: Hash | undefined;
  readonly #waiting = new Set<() => void>();
  #file: OpenFile | undefined;
  #size = 0;
  #digest: string | undefined;
  #complete = false;
  #failure: { readonly error: unknown } | undefined;
  #writing: Promise<void> | undefined;
  #disposed = false;

  constructor(settings: SpoolSettings) {
    this.#settings = settings;
  }

  /** Bytes that readers can have by now. */
  get size(): number {
    return this.#size;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Whether no more bytes follow, known to readers or not. */
  get sealed(): boolean {
    return this.#digest !== undefined;
  }

  /** SHA-256 of all bytes, in hex; only once they are sealed. */
  get digest(): string {
    assert(this.#digest !== undefined, 'a digest is asked for after the end');
    return this.#digest;
  }

  /**
   * Adds a chunk, which must not be changed afterwards.
   *
   * @returns undefined when it is done, else a promise to be awaited before the next call.
   * @throws {OperationalError} STORE (as a rejection); the content is then given up.
   */
  write(chunk: Buffer): Promise<void> | undefined {
    assert(this.#digest === undefined, 'nothing is written after the end');
    assert(this.#writing === undefined, 'one write at a time');
    if (this.#failure) return Promise.reject(asError(this.#failure.error));
    if (!this.#file && this.#size + chunk.length <= this.#settings.memoryBytes) {
      this.#memory.add(chunk);
      this.#grow(chunk.length);
      return undefined;
    }
    this.#writing = this.#toFile(chunk).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** No more bytes follow; readers do not know that yet. @returns the digest. */
  seal(): string {
    assert(this.#writing === undefined, 'the end comes after the last write was awaited');
    this.#digest ??= this.#hash ? this.#hash.digest('hex') : this.#memory.digest();
    return this.#digest;
  }

  /** No more bytes follow, and readers come to the end. */
  end(): void {
    this.seal();
    if (this.#failure || this.#complete) return;
    this.#complete = true;
    this.#wake();
  }

  /** Gives the content up: whoever reads it gets `error`. The first failure is the one that counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Gives everything back; readers get Cancelled 'not-needed'. Safe to call any number of times. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.fail(notNeeded);
    void this.#release();
  }

  async *chunks(
    signal: CancelSignal,
    from = 0,
    lasting = Infinity,
  ): AsyncGenerator<Buffer, void, undefined> {
    let position = from;
    const pieces: Buffer[] = [];
    for (;;) {
      this.#check(signal);
      if (position < this.#size) {
        const chunk = this.#file
          ? await this.#fromFile(this.#file, this.#next(pieces, lasting, position), {
              position,
              signal,
            })
          : this.#memory.at(position);
        position += chunk.length;
        yield chunk;
      } else if (this.complete) return;
      else await this.#more(signal);
    }
  }

  #check(signal: CancelSignal): void {
    if (signal.aborted) throw new Cancelled(cancelCause(signal));
    if (this.#failure) throw asError(this.#failure.error);
  }

  /** What is in memory goes first; its bytes stay readable there until then. */
  async #toFile(chunk: Buffer): Promise<void> {
    this.#hash ??= this.#memory.hashInto(createHash('sha256'));
    this.#hash.update(chunk);
    try {
      if (this.#file) await this.#file.append(chunk);
      else this.#file = await this.#spill(chunk);
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#memory.clear();
    this.#grow(chunk.length);
  }

  async #spill(chunk: Buffer): Promise<OpenFile> {
    const { files, directory } = this.#settings;
    const path = join(directory, `${randomBytes(16).toString('hex')}.spool`);
    const file = await files.create(path);
    try {
      await files.unlink(path);
      // Not in one piece: many do this at once where many large messages arrive.
      for (const one of [...this.#memory.chunks, chunk]) await file.append(one);
      return file;
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }

  /** The buffer that has to last no longer, or a new one. */
  #next(pieces: Buffer[], lasting: number, position: number): Buffer {
    if (lasting === Infinity) {
      return Buffer.allocUnsafeSlow(Math.min(pieceBytes, this.#size - position));
    }
    const free = pieces.length < lasting ? undefined : pieces.shift();
    const piece = free ?? Buffer.allocUnsafeSlow(pieceBytes);
    pieces.push(piece);
    return piece;
  }

  async #fromFile(
    file: OpenFile,
    buffer: Buffer,
    { position, signal }: { readonly position: number; readonly signal: CancelSignal },
  ): Promise<Buffer> {
    const piece = buffer.subarray(0, this.#size - position);
    try {
      const filled = await file.readAt(piece, position);
      assert(filled === piece.length, 'a spool file holds what was written to it');
    } finally {
      // Called off meanwhile: that counts more than the error of a file that was closed under us.
      this.#check(signal);
    }
    return piece;
  }

  async #release(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    this.#memory.clear();
    // The file has no name and nobody's bytes depend on it: there is nothing an error could mean.
    await this.#file?.close().catch(() => undefined);
  }

  #grow(bytes: number): void {
    this.#size += bytes;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  /** Resolves when something has changed: more bytes, the end, a failure, or `signal`. */
  async #more(signal: CancelSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const resume = () => {
      resolve(undefined);
    };
    this.#waiting.add(resume);
    signal.addEventListener('abort', resume);
    await promise;
    this.#waiting.delete(resume);
    signal.removeEventListener('abort', resume);
  }
}

/**
 * To be called at start: creates the directory, and removes what a crash between creating a file
 * and unlinking it has left. Only daemons of one configuration may use the directory.
 *
 * @throws {OperationalError} STORE, also when files cannot be created in the directory.
 */
export async function prepareSpoolDirectory(files: Files, directory: string): Promise<void> {
  await prepareDirectory(files, directory);
  for (const { name } of await files.list(directory)) {
    if (/^[0-9a-f]{32}\.(?:spool|probe)$/.test(name)) await files.unlink(join(directory, name));
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
