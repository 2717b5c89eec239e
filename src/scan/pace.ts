/** Keeps one message from holding the event loop: work is cut into slices, with turns between. */
import { setImmediate as turn } from 'node:timers/promises';

/** What is worked on in one go. */
const sliceBytes = 16 * 1024;
/** After so many bytes the others have a turn; a few milliseconds of work. */
const turnBytes = 32 * 1024;

export class Pace {
  #bytes = 0;

  /** Accounts for bytes that were worked on; awaits the others' turn when it is due. */
  async spent(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes < turnBytes) return;
    this.#bytes = 0;
    await turn();
  }
}

/**
 * The chunks in slices with bytes of their own, for who keeps some of them: then a few small ones
 * are kept, and chunks need not last.
 */
export async function* inSlices(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    for (const slice of slices(chunk)) yield Buffer.from(slice);
  }
}

/** The chunk in pieces that are worked on in one go. */
export function* slices(chunk: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < chunk.length; at += sliceBytes) yield chunk.subarray(at, at + sliceBytes);
}
