/**
 * How many streams each clamd works on at once, and the one fair line of those that wait. Chooses
 * the clamd, does not talk to it.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { cancelCause, Cancelled } from '../errors.ts';
import type { ClamdEndpoint } from './clamd-endpoint.ts';

/** The right to one scan on one clamd. */
export interface Place {
  readonly endpoint: ClamdEndpoint;
  /** Gives the place to who waits longest; further calls do nothing. */
  leave(): void;
}

/** Why there is no place. */
export type NoPlace =
  /** More wait than may. */
  | 'line-full'
  /** None fell free in time. */
  | 'late'
  /** No clamd is there that could be waited for. */
  | 'none';

export interface Waiting {
  /** Monotonic; who is not admitted by then is not waiting any more. */
  readonly until: number;
  /** A clamd that this scan has failed on already. */
  readonly except?: ClamdEndpoint | undefined;
}

export interface PlacesSettings {
  readonly clock: Clock;
  /** Told when somebody waits and no clamd is open: it may be worth a look. */
  readonly wanted: () => void;
}

interface Waiter {
  readonly signal: CancelSignal;
  readonly except: ClamdEndpoint | undefined;
  /** Monotonic, when it came. */
  readonly came: number;
  admit(endpoint: ClamdEndpoint): void;
  refuse(why: NoPlace): void;
}

export class ClamdPlaces {
  /** How many may wait. */
  waitingMax: number;
  readonly #settings: PlacesSettings;
  readonly #line = new Set<Waiter>();
  #endpoints: readonly ClamdEndpoint[] = [];
  #inflight = 0;
  #turns = 0;

  constructor(waitingMax: number, settings: PlacesSettings) {
    this.waitingMax = waitingMax;
    this.#settings = settings;
  }

  get endpoints(): readonly ClamdEndpoint[] {
    return this.#endpoints;
  }

  /** Others from now on; those that are left out finish what they have. */
  set endpoints(endpoints: readonly ClamdEndpoint[]) {
    for (const old of this.#endpoints) old.removed = !endpoints.includes(old);
    this.#endpoints = endpoints;
    this.changed();
  }

  /** Streams that clamds work on, all together, those that were left out included. */
  get inflight(): number {
    return this.#inflight;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** How long the first one in the line has waited, in milliseconds. */
  get longestWaitMs(): number {
    const [first] = this.#line;
    return first ? this.#settings.clock.monotonic() - first.came : 0;
  }

  /** Whether what would be called off by `signal` waits in the line. */
  isWaiting(signal: CancelSignal): boolean {
    for (const waiter of this.#line) if (waiter.signal === signal) return true;
    return false;
  }

  /**
   * A place on the clamd that has least to do for its weight, as soon as one has room.
   *
   * @throws {Cancelled} when `signal` is aborted: the waiter leaves the line.
   */
  async enter(signal: CancelSignal, { until, except }: Waiting): Promise<Place | NoPlace> {
    if (signal.aborted) throw new Cancelled(cancelCause(signal));
    // Those in the line may all wait for another clamd than the one that has room.
    if (this.#line.size > 0) this.#admit();
    const endpoint = this.#leastLoaded(except);
    if (endpoint) return this.#take(endpoint);
    if (!this.#isWorthWaiting(except)) return 'none';
    if (this.#line.size >= this.waitingMax) return 'line-full';
    return this.#wait(signal, until, except);
  }

  /** A clamd may be open or closed now, or its limit another one. */
  changed(): void {
    for (const waiter of this.#line) {
      if (!this.#isWorthWaiting(waiter.except)) waiter.refuse('none');
    }
    this.#admit();
    if (this.#line.size > 0 && !this.#endpoints.some(({ isOpen }) => isOpen)) {
      this.#settings.wanted();
    }
  }

  #wait(
    signal: CancelSignal,
    until: number,
    except: ClamdEndpoint | undefined,
  ): Promise<Place | NoPlace> {
    const { clock } = this.#settings;
    const came = clock.monotonic();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#line.delete(waiter);
        timer.cancel();
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        reject(new Cancelled(cancelCause(signal)));
      };
      const waiter: Waiter = {
        signal,
        except,
        came,
        admit: (endpoint) => {
          end();
          resolve(this.#take(endpoint));
        },
        refuse: (why) => {
          end();
          resolve(why);
        },
      };
      const timer = clock.after(Math.max(0, until - came), () => {
        waiter.refuse('late');
      });
      this.#line.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
      this.changed();
    });
  }

  /** First come, first served; one who waits for another clamd holds nobody up. */
  #admit(): void {
    for (const waiter of this.#line) {
      const endpoint = this.#leastLoaded(waiter.except);
      if (endpoint) waiter.admit(endpoint);
      else if (!this.#endpoints.some(({ hasRoom }) => hasRoom)) return;
    }
  }

  #isWorthWaiting(except: ClamdEndpoint | undefined): boolean {
    return this.#endpoints.some((endpoint) => endpoint !== except && endpoint.isHopeful);
  }

  #leastLoaded(except: ClamdEndpoint | undefined): ClamdEndpoint | undefined {
    let least: ClamdEndpoint | undefined;
    for (const one of this.#endpoints) {
      if (one === except || !one.hasRoom) continue;
      if (!least || isBefore(one, least)) least = one;
    }
    return least;
  }

  #take(endpoint: ClamdEndpoint): Place {
    endpoint.inflight++;
    endpoint.turn = ++this.#turns;
    this.#inflight++;
    let held = true;
    return {
      endpoint,
      leave: () => {
        if (!held) return;
        held = false;
        endpoint.inflight--;
        this.#inflight--;
        if (this.#line.size > 0) this.#admit();
      },
    };
  }
}

function isBefore(one: ClamdEndpoint, other: ClamdEndpoint): boolean {
  const difference = (one.inflight + 1) / one.weight - (other.inflight + 1) / other.weight;
  return difference < 0 || (difference === 0 && one.turn < other.turn);
}
