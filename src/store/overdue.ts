/** Who has waited for too long: one timer for all, since all may wait equally long. */
import type { Clock, Timer } from '../clock.ts';

export class Overdue<Waiter> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #giveUp: (waiter: Waiter) => void;
  /** In the order in which they are due. */
  readonly #due = new Map<Waiter, number>();
  #watch: Timer | undefined;

  /**
   * @param ms how long each may wait.
   * @param giveUp called once for who has waited for longer.
   */
  constructor(clock: Clock, ms: number, giveUp: (waiter: Waiter) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#giveUp = giveUp;
  }

  get size(): number {
    return this.#due.size;
  }

  add(waiter: Waiter): void {
    this.#due.set(waiter, this.#clock.monotonic() + this.#ms);
    this.#watch ??= this.#clock.after(this.#ms, this.#look);
  }

  remove(waiter: Waiter): void {
    this.#due.delete(waiter);
  }

  /** Nobody is given up any more. */
  stop(): void {
    this.#watch?.cancel();
  }

  readonly #look = (): void => {
    this.#watch = undefined;
    const now = this.#clock.monotonic();
    for (const [waiter, due] of this.#due) {
      if (due > now) {
        this.#watch = this.#clock.after(due - now, this.#look);
        return;
      }
      this.#due.delete(waiter);
      this.#giveUp(waiter);
    }
  };
}
