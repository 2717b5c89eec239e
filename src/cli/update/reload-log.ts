/** What a clamd writes into its log about a reload: the one place where it says that one has failed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { UpdateLimits } from './limits.ts';
import type { LoadEvidence } from './version.ts';

/** clamd 1.4 (clamd/server-th.c); with LogTime the time and an arrow stand before it. */
const loading = /^(?:.*-> )?Reading databases from /m;
const loaded = /^(?:.*-> )?Database correctly reloaded \(/m;
const failed =
  /^(?:.*-> )?(?:ERROR: reload_(?:th|db): .*|WARNING: Database reload (?:setup )?failed.*)$/m;

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

  /** What it says of a reload since then. */
  verdict(): LoadEvidence['log'] {
    if (this.#at === undefined) return 'unreadable';
    this.#readOn(this.#at);
    if (failed.test(this.#text)) return 'failed';
    if (loaded.test(this.#text)) return 'loaded';
    return loading.test(this.#text) ? 'loading' : 'nothing';
  }

  /** The line in which it says why. */
  get reason(): string | undefined {
    return failed.exec(this.#text)?.[0].replace(/^.*?-> /, '');
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
