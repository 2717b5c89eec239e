/**
 * A message that is scanned while it arrives holds a place at clamd from its first block on. So a
 * sender may have clamd wait for a moment, and not for as long as it likes.
 */
import type { Clock } from '../clock.ts';

/** How long one message may have clamd wait for its sender, all its pauses together. */
export const senderPauseMs = 1000;

/** The sender is slow: the message is to be sent to clamd when all of it is there. */
export class SlowSender extends Error {
  override readonly name = 'SlowSender';
}

/**
 * The chunks as they come.
 *
 * @throws {SlowSender} when what was waited for them comes to `senderPauseMs`.
 */
export async function* brisk(
  chunks: AsyncIterable<Buffer>,
  clock: Clock,
): AsyncGenerator<Buffer, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  let left = senderPauseMs;
  try {
    for (;;) {
      const asked = clock.monotonic();
      const next = await withinMs(iterator.next(), left, clock);
      left -= clock.monotonic() - asked;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not waited for: what is slow now would be so here.
    iterator.return?.().catch(() => undefined);
  }
}

function withinMs<Value>(value: Promise<Value>, ms: number, clock: Clock): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>();
  const timer = clock.after(ms, () => {
    reject(new SlowSender(`clamd would wait for more than ${senderPauseMs} ms`));
  });
  value.then(resolve, reject).finally(() => {
    timer.cancel();
  });
  return promise;
}
