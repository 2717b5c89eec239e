import type { Ledger } from '../store/ledger.ts';

/**
 * Which next hops ask before they commit. It is learned from what they do, never from what the
 * configuration hopes: a next hop that is taken to ask and does not would have its lost replies
 * mistaken for refusals, and its mail delivered twice.
 */
export class AskingNextHops {
  readonly #ledger: Ledger;
  readonly #known = new Map<string, boolean>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @throws {OperationalError} STORE */
  asks(nextHop: string): boolean {
    return this.#known.get(nextHop) ?? this.#ledger.note(noteName(nextHop)) === asksValue;
  }

  /** What it did with a message. @returns whether this process did not know that. */
  learn(nextHop: string, asked: boolean): boolean {
    if (this.#known.get(nextHop) === asked) return false;
    this.#known.set(nextHop, asked);
    const value = asked ? asksValue : 'does not ask';
    this.#ledger.defer([{ kind: 'note', name: noteName(nextHop), value }]);
    return true;
  }
}

const asksValue = 'asks';

function noteName(nextHop: string): string {
  return `next hop ${nextHop}`;
}
