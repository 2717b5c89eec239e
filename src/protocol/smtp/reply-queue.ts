/**
 * Replies in the order of their commands (RFC 2920 §3.2), some known at once and some only when the
 * other side has answered what it was asked. A reply waits for those before it.
 */

import { assert } from '../../assert.ts';
import { encodeReply, type Reply } from './reply.ts';

type Slot<Ask> =
  { readonly kind: 'ask'; readonly ask: Ask } | { readonly kind: 'reply'; readonly reply: Reply };

export class ReplyQueue<Ask> {
  /** Empty, or its first is an ask. */
  readonly #slots: Slot<Ask>[] = [];
  #output: Buffer[] = [];

  /** The ask whose answer is due next. */
  get oldest(): Ask | undefined {
    const first = this.#slots[0];
    return first?.kind === 'ask' ? first.ask : undefined;
  }

  ask(ask: Ask): void {
    this.#slots.push({ kind: 'ask', ask });
  }

  say(reply: Reply): void {
    if (this.#slots.length === 0) this.#output.push(encodeReply(reply));
    else this.#slots.push({ kind: 'reply', reply });
  }

  /** What the peer is told in place of the oldest ask. */
  answer(replies: readonly Reply[]): void {
    assert(this.#slots.shift()?.kind === 'ask', 'an answer belongs to an ask');
    this.#output.push(...replies.map(encodeReply));
    for (let first = this.#slots[0]; first?.kind === 'reply'; first = this.#slots[0]) {
      this.#output.push(encodeReply(first.reply));
      this.#slots.shift();
    }
  }

  /** Forgets what was asked, and what was to be said after it. */
  abandon(): void {
    this.#slots.length = 0;
  }

  /** Reply bytes that are due, each only once. */
  takeOutput(): Buffer[] {
    const output = this.#output;
    this.#output = [];
    return output.length > 1 ? [Buffer.concat(output)] : output;
  }
}
