import type { CancelSignal } from './cancel-signal.ts';
import { Cancelled, cancelCause } from './errors.ts';
import type { Clock, Timer } from './clock.ts';

/** Gives the place back; further calls do nothing. */
export type Leave = () => void;

interface Waiter {
  admit(leave: Leave): void;
}

export interface WaitingLineLimits {
  /** Places: how many may be inside at once. */
  readonly places: number;
  /** How many may wait; one more is turned away at once. */
  readonly waiting: number;
  /** How long one may wait, in milliseconds; as long as its signal lets it where absent. */
  readonly waitMs?: number;
}

/** A bounded number of places and a bounded line, first come first served, in front of them. */
export class WaitingLine {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #limits: WaitingLineLimits;
  #inside = 0;

  constructor(limits: WaitingLineLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** New limits hold for who comes next; nobody inside is put out. */
  adjust(limits: WaitingLineLimits): void {
    this.#limits = limits;
    this.#admitNext();
  }

  /**
   * A place, now or when one falls free; undefined when the line is full or the wait too long.
   *
   * @param waitMs how long this one may wait, where not as long as all.
   * @throws {Cancelled} when `signal` is aborted while waiting.
   */
  async enter(signal: CancelSignal, waitMs = this.#limits.waitMs): Promise<Leave | undefined> {
    if (signal.aborted) throw new Cancelled(cancelCause(signal));
    if (this.#inside < this.#limits.places) return this.#take();
    if (this.#waiters.size >= this.#limits.waiting) return undefined;
    return this.#wait(signal, waitMs);
  }

  #wait(signal: CancelSignal, waitMs: number | undefined): Promise<Leave | undefined> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter);
        timer?.cancel();
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        admit: (leave) => {
          end();
          resolve(leave);
        },
      };
      const abort = (): void => {
        end();
        reject(new Cancelled(cancelCause(signal)));
      };
      const timer: Timer | undefined =
        waitMs === undefined
          ? undefined
          : this.#clock.after(waitMs, () => {
              end();
              resolve(undefined);
            });
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  #take(): Leave {
    this.#inside++;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#inside--;
      this.#admitNext();
    };
  }

  #admitNext(): void {
    for (const waiter of this.#waiters) {
      if (this.#inside >= this.#limits.places) return;
      waiter.admit(this.#take());
    }
  }
}
