/**
 * Time as a thing that is passed in, so that tests own it: below the daemon nothing reads a clock
 * or sets a timer by itself (checked by lint).
 */

/** A pending call; `cancel` is safe to call at any time, any number of times. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, in milliseconds since 1970-01-01T00:00Z: for records that people read. */
  now(): number;
  /** Milliseconds that only ever grow, from an arbitrary start: for deadlines and durations. */
  monotonic(): number;
  /** Calls `act` once after `ms` milliseconds. */
  after(ms: number, act: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
