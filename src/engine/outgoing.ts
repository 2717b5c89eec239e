import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';

/**
 * A message as it leaves: an edited head in place of the header section it came with, then the
 * body as it came.
 *
 * A chunk lasts until the next but one is asked for: the connection holds the latest back, so that
 * it can go with the final dot, and has written all others by then (`Connection.content`).
 *
 * @param headBytes how many bytes of `content` the head replaces.
 */
export async function* outgoing(
  content: Content,
  head: readonly Buffer[],
  headBytes: number,
  signal: CancelSignal,
): AsyncIterable<Buffer> {
  // The head goes with the first bytes of the body: a small message leaves in one piece.
  let due = head;
  let skip = headBytes;
  for await (const chunk of content.chunks(signal, 0, 2)) {
    const rest = chunk.subarray(skip);
    skip -= chunk.length - rest.length;
    if (rest.length === 0) continue;
    yield due.length > 0 ? Buffer.concat([...due, rest]) : rest;
    due = [];
  }
  if (due.length > 0) yield Buffer.concat(due);
}
