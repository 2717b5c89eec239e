/** A stream that is in one thread and read in another: a piece for each question, asked one ahead. */
import type { Chunks } from './stream-blocks.ts';

/** What is asked of the thread that has it. */
export interface ChunkCalls {
  /**
   * The next piece; undefined at the end, after which it is not asked again.
   *
   * @throws what reading it throws, and when it was left.
   */
  next(reader: number): Promise<Uint8Array | undefined>;
  /** No more of it is wanted. */
  leave(reader: number): void;
}

type Reader = AsyncIterator<Buffer, unknown> | Iterator<Buffer, unknown>;

export class ServedChunks implements ChunkCalls {
  readonly #readers = new Map<number, Reader>();
  #count = 0;

  /** @returns the number by which it is asked for. */
  open(chunks: Chunks): number {
    const reader =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#readers.set(++this.#count, reader);
    return this.#count;
  }

  async next(number: number): Promise<Uint8Array | undefined> {
    const reader = this.#readers.get(number);
    // Never taken for the end: what was read so far would be taken for all.
    if (!reader) throw new Error('what is asked for was left');
    const next = await reader.next();
    if (next.done === true) {
      this.#readers.delete(number);
      return undefined;
    }
    // A copy: the chunk is not ours, and its memory may serve for the next one.
    return new Uint8Array(next.value);
  }

  leave(number: number): void {
    const reader = this.#readers.get(number);
    this.#readers.delete(number);
    // What it throws then interests nobody.
    void Promise.resolve(reader?.return?.()).catch(() => undefined);
  }

  /** As they are served over a port. */
  get calls(): ChunkCalls {
    return {
      next: (reader) => this.next(reader),
      leave: (reader) => {
        this.leave(reader);
      },
    };
  }

  close(): void {
    for (const number of [...this.#readers.keys()]) this.leave(number);
  }
}

/** The calls of a port by which its streams are asked for. */
export function chunkCalls(port: {
  call(name: 'next', reader: number): Promise<Uint8Array | undefined>;
  tell(name: 'leave', reader: number): void;
}): ChunkCalls {
  return {
    next: (reader) => port.call('next', reader),
    leave: (reader) => {
      port.tell('leave', reader);
    },
  };
}

/** The chunks that `open` has given a number there. */
export async function* remoteChunks(
  open: () => Promise<number>,
  calls: ChunkCalls,
): AsyncGenerator<Buffer, void> {
  const reader = await open();
  let ahead = calls.next(reader);
  try {
    for (let chunk = await ahead; chunk !== undefined; chunk = await ahead) {
      ahead = calls.next(reader);
      // Where it is left before, nobody hears of it.
      ahead.catch(() => undefined);
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    }
  } finally {
    calls.leave(reader);
  }
}
