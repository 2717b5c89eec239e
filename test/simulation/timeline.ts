/**
 * Time in a simulated run, and the order in which everything happens: one event after the other,
 * each followed by all that it sets going, and time moves only from one event to the next.
 */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { Clock, Timer } from '../../src/clock.ts';

/** A process of the simulated world: what it had planned does not happen once it is over. */
export class Life {
  over = false;
}

export interface Event {
  readonly at: number;
  readonly what: string;
  readonly life: Life;
  readonly act: () => void;
}

/** 2026-01-01T00:00Z. */
const begin = Date.UTC(2026, 0, 1);

export class Timeline {
  /** Events so far. */
  steps = 0;
  readonly #world = new Life();
  #now = begin;
  /** By time, the next one last; those of one time in the order they were planned. */
  readonly #events: Event[] = [];

  get now(): number {
    return this.#now;
  }

  /** Since the run began, in milliseconds. */
  get elapsed(): number {
    return this.#now - begin;
  }

  /** What is still to come, without what the dead had planned. */
  get pending(): readonly Event[] {
    return this.#events.filter(({ life }) => !life.over);
  }

  /** Plans `act`, unless `life` is over by then. */
  after(ms: number, what: string, act: () => void, life: Life = this.#world): Timer {
    const event = { at: this.#now + ms, what, life, act };
    this.#events.splice(this.#placeOf(event.at), 0, event);
    return {
      cancel: () => {
        const place = this.#events.indexOf(event);
        if (place >= 0) this.#events.splice(place, 1);
      },
    };
  }

  /** Resolves after `ms`; never, when `life` is over by then. */
  pause(ms: number, what: string, life?: Life): Promise<void> {
    return new Promise((resolve) => this.after(ms, what, resolve, life));
  }

  /**
   * Lets the next event happen, and waits until nothing is left of what it set going.
   *
   * @param before called with the event before it happens.
   * @returns whether there was one.
   */
  async step(before: (event: Event) => void): Promise<boolean> {
    const event = this.#nextOfTheLiving();
    if (!event) return false;
    this.#now = event.at;
    this.steps++;
    before(event);
    // What happened before it may have been the end of its process.
    if (this.#isDue(event)) event.act();
    // All microtasks and ticks come before the next turn of the event loop.
    await eventLoopTurn();
    return true;
  }

  /** The clock of a process. */
  clock(life: Life): Clock {
    return {
      now: () => this.#now,
      monotonic: () => this.elapsed,
      after: (ms, act) => this.after(ms, 'timer', act, life),
    };
  }

  #nextOfTheLiving(): Event | undefined {
    for (;;) {
      const event = this.#events.pop();
      if (!event || this.#isDue(event)) return event;
    }
  }

  #isDue({ life }: Event): boolean {
    return !life.over;
  }

  /** Before all that are later, behind all that are not: planned last, it happens last. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
