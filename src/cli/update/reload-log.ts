/** What a clamd writes into its log about a reload: the one place where it says that one has failed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { UpdateLimits } from './limits.ts';

/** clamd 1.4 (clamd/server-th.c). */
const loaded = /-> Database correctly reloaded \(/;
const failed = /-> (?:ERROR: reload_(?:th|db): |WARNING: Database reload (?:setup )?failed)/;

/** From now on: what was written before is not looked at. */
export class ReloadLog {
  readonly #file: string | undefined;
  readonly #bytesMax: number;
  #at: number | undefined;
  #text = '';

  /** @param file undefined where clamd writes none. */
  constructor(file: string | undefined, { logBytesMax }: Pick<UpdateLimits, 'logBytesMax'>) {
    this.#file = file;
    this.#bytesMax = logBytesMax;
    this.#at = this.#withFile((descriptor) => fstatSync(descriptor).size);
  }

  /** Whether it could be read. */
  get isThere(): boolean {
    return this.#at !== undefined;
  }

  /** What it says of a reload since then; undefined while that is nothing. */
  verdict(): 'loaded' | 'failed' | undefined {
    if (this.#at === undefined) return undefined;
    this.#readOn(this.#at);
    if (failed.test(this.#text)) return 'failed';
    return loaded.test(this.#text) ? 'loaded' : undefined;
  }

  /** The line in which it says why. */
  get reason(): string | undefined {
    const line = this.#text.split('\n').find((one) => failed.test(one));
    return line?.replace(/^.*?-> /, '');
  }

  #readOn(from: number): void {
    const chunk = this.#withFile((descriptor) => {
      // Shorter than it was: it has been rotated, and begins anew.
      const start = fstatSync(descriptor).size < from ? 0 : from;
      const buffer = Buffer.alloc(this.#bytesMax);
      const bytes = readSync(descriptor, buffer, 0, buffer.length, start);
      this.#at = start + bytes;
      return buffer.toString('latin1', 0, bytes);
    });
    this.#text = (this.#text + (chunk ?? '')).slice(-this.#bytesMax);
  }

  #withFile<T>(use: (descriptor: number) => T): T | undefined {
    if (this.#file === undefined) return undefined;
    try {
      const descriptor = openSync(this.#file, 'r');
      try {
        return use(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return undefined;
    }
  }
}
