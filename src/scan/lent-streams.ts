/** Streams that another thread has scanned, and asks for piece by piece, by numbers. */
import type { StreamSource } from './opened-stream.ts';
import type { ServedChunks } from './port-chunks.ts';
import type { Chunks } from './stream-blocks.ts';

interface Lent {
  readonly source: Extract<StreamSource, { repeatable: boolean }>;
  /** As it was opened to be looked at. */
  chunks: Chunks | undefined;
  /** By which it is read; the last one, where it was read again. */
  reader?: number;
  /** What reading it threw: over there it is no more than its words. */
  failure?: { readonly error: unknown };
}

export class LentStreams {
  readonly #served: ServedChunks;
  readonly #lent = new Map<number, Lent>();
  #count = 0;

  /** @param served who is asked for the pieces. */
  constructor(served: ServedChunks) {
    this.#served = served;
  }

  /**
   * @param scan given the stream's bytes where they are there, else the number for `open`.
   * @throws what `scan` throws, or rather what reading the source did.
   */
  async lend<T>(
    source: StreamSource,
    scan: (stream: Uint8Array | number, repeatable: boolean) => Promise<T>,
  ): Promise<T> {
    if ('whole' in source) return scan(joined(source.whole), true);
    const chunks = source.open();
    if (Array.isArray(chunks)) return scan(joined(chunks as Buffer[]), true);
    const number = ++this.#count;
    const lent: Lent = { source, chunks };
    this.#lent.set(number, lent);
    try {
      return await scan(number, source.repeatable);
    } catch (error) {
      throw lent.failure ? lent.failure.error : error;
    } finally {
      this.#lent.delete(number);
      // Who still asks for it, as of a stream that was refused early, gets nothing of what comes next.
      if (lent.reader !== undefined) this.#served.leave(lent.reader);
    }
  }

  /** @returns the reader's number. @throws when the stream was answered, or called off. */
  open(number: number): number {
    const lent = this.#lent.get(number);
    if (!lent) throw new Error('the stream is no longer there');
    const { source, chunks = source.open() } = lent;
    lent.chunks = undefined;
    lent.reader = this.#served.open(noting(chunks, lent));
    return lent.reader;
  }
}

async function* noting(chunks: Chunks, lent: Lent): AsyncGenerator<Buffer, void> {
  try {
    yield* chunks;
  } catch (error) {
    lent.failure = { error };
    throw error;
  }
}

/** In memory of its own, to be given away. */
function joined(chunks: readonly Buffer[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
