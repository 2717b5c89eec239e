/** One clamd of the pool: how it is, how much it may be given, and how much it has. */
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { notNeeded } from '../errors.ts';
import type { ClamdAddress } from './clamd-address.ts';
import type { ClamdWorth } from './clamd-worth.ts';
import {
  afterEvidence,
  type EndpointState,
  type Evidence,
  unknownHealth,
} from './endpoint-state.ts';
import { InflightLimit } from './inflight-limit.ts';

/** A clamd as the configuration has it. */
export interface PoolMember {
  readonly address: ClamdAddress;
  /** How much of the load it gets, relative to the others. */
  readonly weight: number;
}

/** Told when the state of one has changed, or what is known of one for the first time. */
export type StateObserver = (endpoint: ClamdEndpoint, was: EndpointState | undefined) => void;

export class ClamdEndpoint {
  readonly address: ClamdAddress;
  readonly limit: InflightLimit;
  weight: number;
  /** Streams that it works on, given-up ones included. */
  inflight = 0;
  /** The number of its last stream, counted over all: between equals the turn goes round. */
  turn = 0;
  /** Monotonic; until then it is given nothing new, because an operator said so. */
  drainedUntil: number | undefined;
  /** Not in the configuration any more: it finishes what it has. */
  removed = false;
  /** What it was worth when it was taken out, for what it still answers. */
  lastWorth: ClamdWorth | undefined;
  readonly #clock: Clock;
  readonly #changed: StateObserver;
  #health;
  #asked = false;
  #outage = new Canceller();

  constructor(
    { address, weight }: PoolMember,
    inflightMax: number,
    { clock, changed }: { readonly clock: Clock; readonly changed: StateObserver },
  ) {
    this.address = address;
    this.weight = weight;
    this.limit = new InflightLimit(inflightMax);
    this.#clock = clock;
    this.#changed = changed;
    this.#health = unknownHealth(clock.monotonic());
  }

  get health() {
    return this.#health;
  }

  get state(): EndpointState {
    return this.#health.state;
  }

  get isDraining(): boolean {
    return this.drainedUntil !== undefined;
  }

  /** Whether it may get mail, if not now then when what it has is done. */
  get isOpen(): boolean {
    return this.#health.state === 'ready' && !this.isDraining && !this.removed;
  }

  get hasRoom(): boolean {
    return this.isOpen && this.inflight < this.limit.value;
  }

  /** Whether it is worth waiting for. */
  get isHopeful(): boolean {
    const { state } = this.#health;
    return state !== 'dead' && state !== 'lying' && !this.removed;
  }

  /** Aborted when what it has is better tried elsewhere. */
  get outage(): CancelSignal {
    return this.#outage.signal;
  }

  giveUp(): void {
    this.#outage.abort(notNeeded);
    this.#outage = new Canceller();
  }

  learn(evidence: Evidence): void {
    const before = this.#health;
    const after = afterEvidence(before, evidence, this.#clock.monotonic());
    this.#health = after;
    if (evidence.kind === 'scanned') this.limit.grow();
    else if (evidence.kind === 'broke') this.limit.cut();
    const isNews = after.state !== before.state;
    if (isNews && after.state === 'ready') this.limit.restart();
    if (isNews || !this.#asked) {
      const was = this.#asked ? before.state : undefined;
      this.#asked = true;
      this.#changed(this, was);
    }
  }
}
