/**
 * How many streams each clamd works on at once, and the one fair line of those that wait. Chooses
 * the clamd, does not talk to it.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { cancelCause, Cancelled } from '../errors.ts';
import type { ClamdAddress } from './clamd-address.ts';

/** The right to one scan on one clamd. */
export interface Place {
  readonly address: ClamdAddress;
  /** Gives the place to who waits longest; further calls do nothing. */
  leave(): void;
  /** The clamd could not be reached: others are chosen before it for a while. */
  avoid(): void;
}

interface Endpoint {
  readonly address: ClamdAddress;
  inflight: number;
  /** Until this monotonic time it is chosen only when no other has room. */
  avoidUntil: number;
}

interface Waiter {
  /** An endpoint that this scan has failed on already. */
  readonly except: ClamdAddress | undefined;
  admit(endpoint: Endpoint): void;
}

/** Long enough that a dead clamd is not the least loaded one for every message. */
const avoidMs = 1000;

export class ClamdPlaces {
  readonly #endpoints: readonly Endpoint[];
  readonly #inflightMax: number;
  readonly #clock: Clock;
  readonly #line = new Set<Waiter>();

  constructor(addresses: readonly ClamdAddress[], inflightMax: number, clock: Clock) {
    this.#endpoints = addresses.map((address) => ({ address, inflight: 0, avoidUntil: 0 }));
    this.#inflightMax = inflightMax;
    this.#clock = clock;
  }

  /** Streams that clamd works on, all endpoints together. */
  get inflight(): number {
    return this.#endpoints.reduce((sum, { inflight }) => sum + inflight, 0);
  }

  get waiting(): number {
    return this.#line.size;
  }

  /**
   * A place on the least loaded clamd other than `except`, as soon as one has room.
   *
   * @throws {Cancelled} when `signal` is aborted: the waiter leaves the line.
   */
  enter(signal: CancelSignal, except?: ClamdAddress): Promise<Place> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new Cancelled(cancelCause(signal)));
        return;
      }
      const abort = (): void => {
        this.#line.delete(waiter);
        reject(new Cancelled(cancelCause(signal)));
      };
      const waiter: Waiter = {
        except,
        admit: (endpoint) => {
          this.#line.delete(waiter);
          signal.removeEventListener('abort', abort);
          resolve(this.#take(endpoint));
        },
      };
      this.#line.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
      this.#admit();
    });
  }

  /** First come, first served; one who waits for another clamd holds nobody up. */
  #admit(): void {
    for (const waiter of this.#line) {
      const endpoint = this.#leastLoaded(waiter.except);
      if (endpoint !== undefined) waiter.admit(endpoint);
    }
  }

  #leastLoaded(except: ClamdAddress | undefined): Endpoint | undefined {
    const now = this.#clock.monotonic();
    const avoided = (endpoint: Endpoint): number => (endpoint.avoidUntil > now ? 1 : 0);
    return this.#endpoints
      .filter(({ address, inflight }) => address !== except && inflight < this.#inflightMax)
      .sort((a, b) => avoided(a) - avoided(b) || a.inflight - b.inflight)[0];
  }

  #take(endpoint: Endpoint): Place {
    endpoint.inflight++;
    let held = true;
    return {
      address: endpoint.address,
      leave: () => {
        if (!held) return;
        held = false;
        endpoint.inflight--;
        this.#admit();
      },
      avoid: () => {
        endpoint.avoidUntil = this.#clock.monotonic() + avoidMs;
      },
    };
  }
}
