/**
 * One waiting time after the other, with one timer for all of them. Whoever waits anew with each
 * answer of a peer only moves the deadline: the timer is set again when it goes off too early.
 */
import type { Clock, Timer } from './clock.ts';

export class Watchdog {
  readonly #clock: Clock;
  #act: () => void = () => undefined;
  /** In monotonic time, as all here. */
  #deadline = Infinity;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `act` once after `ms` milliseconds, unless it is set anew or rests before. */
  set(ms: number, act: () => void): void {
    this.#act = act;
    this.#deadline = this.#clock.monotonic() + ms;
    if (this.#deadline < this.#timerAt) this.#wake(ms);
  }

  /** Waits for nothing; the timer may stay until it goes off. */
  rest(): void {
    this.#deadline = Infinity;
  }

  /** Rests for good, and leaves no timer behind. */
  close(): void {
    this.rest();
    this.#timer?.cancel();
    this.#timerAt = Infinity;
  }

  #wake(ms: number): void {
    this.#timer?.cancel();
    this.#timerAt = this.#deadline;
    this.#timer = this.#clock.after(ms, () => {
      this.#timerAt = Infinity;
      const left = this.#deadline - this.#clock.monotonic();
      if (left > 0) {
        if (left < Infinity) this.#wake(left);
        return;
      }
      this.#deadline = Infinity;
      this.#act();
    });
  }
}
