import type { Clock } from '../clock.ts';

/**
 * An answer that is dear to get and good for a while: who asks within that time gets the same one,
 * so that many who ask cannot make work. A failure is not kept.
 */
export class Recent<T> {
  readonly #ask: () => Promise<T>;
  readonly #goodForMs: number;
  readonly #clock: Clock;
  #answer: Promise<T> | undefined;
  #asked = 0;

  constructor(ask: () => Promise<T>, goodForMs: number, clock: Clock) {
    this.#ask = ask;
    this.#goodForMs = goodForMs;
    this.#clock = clock;
  }

  get(): Promise<T> {
    const now = this.#clock.monotonic();
    if (this.#answer && now - this.#asked < this.#goodForMs) return this.#answer;
    const answer = this.#ask();
    this.#answer = answer;
    this.#asked = now;
    answer.catch(() => {
      if (this.#answer === answer) this.#answer = undefined;
    });
    return answer;
  }
}
