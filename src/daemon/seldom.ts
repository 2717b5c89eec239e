import type { Clock } from '../clock.ts';

/** Says at most one thing in a while, and then how many it did not say. */
export class Seldom {
  readonly #everyMs: number;
  readonly #clock: Clock;
  #next = -Infinity;
  #unsaid = 0;

  constructor(everyMs: number, clock: Clock) {
    this.#everyMs = everyMs;
    this.#clock = clock;
  }

  say(say: (more: { readonly unsaid?: number }) => void): void {
    const now = this.#clock.monotonic();
    if (now < this.#next) {
      this.#unsaid++;
      return;
    }
    this.#next = now + this.#everyMs;
    const unsaid = this.#unsaid;
    this.#unsaid = 0;
    say(unsaid > 0 ? { unsaid } : {});
  }
}
