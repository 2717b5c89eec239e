import type { Clock, Timer } from '../../src/clock.ts';

interface Pending {
  at: number;
  act: () => void;
}

/** A clock that moves only when the test says so; timers run in the order of their times. */
export class FakeClock implements Clock {
  #now: number;
  #pending = new Set<Pending>();

  constructor(start = 1_000_000) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): Timer {
    const pending = { at: this.#now + ms, act };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Timers that are set and neither run nor cancelled. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time on, running each timer that comes due, at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.#pending.delete(due);
      this.#now = due.at;
      due.act();
    }
    this.#now = end;
  }

  #next(end: number): Pending | undefined {
    return [...this.#pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
