import { createHash } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { CancelSignal } from '../../src/cancel-signal.ts';
import type { Content } from '../../src/content.ts';
import { cancelCause, Cancelled } from '../../src/errors.ts';

/** A message in memory, that can arrive as slowly as the test wants. */
export class MemoryContent implements Content {
  readonly #chunks: Buffer[] = [];
  #complete = false;
  #failure: Error | undefined;
  #news = Promise.withResolvers<undefined>();
  /** How often it was read from the start. */
  readings = 0;

  /** A message that is there whole. */
  static of(bytes: Buffer, chunkBytes = 16 * 1024): MemoryContent {
    const content = new MemoryContent();
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      content.append(bytes.subarray(at, at + chunkBytes));
    }
    content.end();
    return content;
  }

  get size(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  get complete(): boolean {
    return this.#complete;
  }

  get digest(): string {
    return createHash('sha256').update(Buffer.concat(this.#chunks)).digest('hex');
  }

  append(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#tell();
  }

  end(): void {
    this.#complete = true;
    this.#tell();
  }

  /** What reading throws from here on. */
  fail(error: Error): void {
    this.#failure = error;
    this.#tell();
  }

  async *chunks(signal: CancelSignal, from = 0): AsyncIterable<Buffer> {
    let skip = from;
    this.readings++;
    const abort = (): void => {
      this.#tell();
    };
    signal.addEventListener('abort', abort);
    try {
      for (let at = 0; ; at++) {
        while (at === this.#chunks.length || signal.aborted || this.#failure !== undefined) {
          if (signal.aborted) throw new Cancelled(cancelCause(signal));
          if (this.#failure !== undefined) throw this.#failure;
          if (this.#complete) return;
          await this.#news.promise;
        }
        const chunk = this.#chunks[at] ?? Buffer.alloc(0);
        if (skip < chunk.length) yield chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #tell(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers<undefined>();
    resolve(undefined);
  }
}

/** How often it is looked, and for how long. */
export interface Patience {
  readonly turn: () => Promise<unknown>;
  readonly ms: number;
}

const withinProcess: Patience = { turn: () => eventLoopTurn(), ms: 5000 };

/** Lets everything run that is ready to, until `condition` holds; fails loudly if it never does. */
export async function until(
  condition: () => boolean,
  what: string,
  { turn, ms }: Patience = withinProcess,
): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await turn();
  }
}
