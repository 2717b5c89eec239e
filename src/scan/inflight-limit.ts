/**
 * How many streams a clamd may be given at once: up by one for each round that went well, down by
 * half at trouble (AIMD, as TCP has it: RFC 5681 §3.1), so that one that comes back is not buried
 * under what was waiting for it.
 */
export class InflightLimit {
  #ceiling: number;
  #limit = 1;
  #held = false;

  constructor(ceiling: number) {
    this.#ceiling = ceiling;
  }

  get value(): number {
    return Math.floor(this.#limit);
  }

  /** From the configuration: never above it, and below clamd's MaxThreads. */
  set ceiling(ceiling: number) {
    this.#ceiling = ceiling;
    this.#limit = Math.min(this.#limit, ceiling);
  }

  /** While held it does not grow: the machine has enough to do. */
  set held(held: boolean) {
    this.#held = held;
  }

  /** A stream came to its answer. */
  grow(): void {
    if (this.#held || this.#limit === this.#ceiling) return;
    this.#limit = Math.min(this.#ceiling, this.#limit + 1 / this.#limit);
  }

  cut(): void {
    this.#limit = Math.max(1, this.#limit / 2);
  }

  /** It was away: the first stream alone shows whether the next ones may come. */
  restart(): void {
    this.#limit = 1;
  }
}
