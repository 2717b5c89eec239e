/** Joins the chunks of a stream to blocks that are worth a system call. */

/** Bytes in order, there already or still to come. */
export type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

export interface Block {
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  /** The stream ends with this block; only this one can be empty. */
  readonly last: boolean;
}

/** A stream of which the first block is there. */
export interface Blocks {
  readonly first: Block;
  /** What follows it, where it is not the last. */
  readonly rest: AsyncIterable<Block> | undefined;
}

/**
 * Below it nothing is sent before the end of the stream is there: a small message is one block,
 * and takes neither a connection nor a place in clamd's line while it is still arriving.
 */
export const blockBytes = 64 * 1024;

/**
 * The bytes in pieces of `blockBytes`, each of which is a block by itself. All are made in one buffer:
 * a piece is over when the next one is asked for. Chunks need not last any longer either.
 */
export async function* inOneBuffer(source: Chunks): AsyncGenerator<Buffer, void> {
  const block = Buffer.allocUnsafeSlow(blockBytes);
  let held = 0;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length;) {
      const copied = chunk.copy(block, held, from);
      held += copied;
      from += copied;
      if (held < blockBytes) continue;
      yield block;
      held = 0;
    }
  }
  if (held > 0) yield block.subarray(0, held);
}

/** The chunks in blocks of `blockBytes` or a little more, in order; the last one says so. */
export async function* blocksOf(source: Chunks): AsyncGenerator<Block, void> {
  let chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < blockBytes) continue;
    yield { chunks, bytes, last: false };
    chunks = [];
    bytes = 0;
  }
  yield { chunks, bytes, last: true };
}

/** A stream that is there whole. */
export function oneBlock(chunks: readonly Buffer[]): Block {
  return { chunks, bytes: chunks.reduce((sum, { length }) => sum + length, 0), last: true };
}
