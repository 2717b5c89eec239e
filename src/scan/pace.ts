/** Keeps one message from holding the event loop: work is cut into slices, with turns between. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';

/** What is worked on in one go. */
const sliceBytes = 16 * 1024;
/** Of what may cost most for each byte: then it is a few milliseconds. */
export const costlySliceBytes = 4 * 1024;
/** What bytes cost differs a hundredfold, so the others have a turn after so many of them, */
const turnBytes = 64 * 1024;
/** or after so long. */
const turnMs = 5;

export class Pace {
  readonly #clock: Clock;
  #bytes = 0;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Accounts for bytes that were worked on; awaits the others' turn when it is due. */
  async spent(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes < turnBytes && this.#clock.monotonic() < this.#since + turnMs) return;
    await turn();
    this.#bytes = 0;
    this.#since = this.#clock.monotonic();
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
export function* slices(chunk: Buffer, bytes = sliceBytes): Generator<Buffer, void> {
  for (let at = 0; at < chunk.length; at += bytes) yield chunk.subarray(at, at + bytes);
}
