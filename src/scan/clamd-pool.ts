/**
 * Several clamds behind one door, for as long as the daemon lives: scans streams with those that are
 * ready, looks after all of them, and takes over another configuration without dropping a scan.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { ClamdEndpoint } from './clamd-endpoint.ts';
import { ClamdPlaces } from './clamd-places.ts';
import type { Dialling } from './clamd-socket.ts';
import { type ClamdWorth, strictest } from './clamd-worth.ts';
import { DatabaseVersions } from './database-versions.ts';
import { Drains } from './drains.ts';
import { EndpointWatch, type LimitNews } from './endpoint-watch.ts';
import type { EndpointState } from './endpoint-state.ts';
import { type EndpointStatus, statusOf } from './endpoint-status.ts';
import { Latency, type Percentiles } from './latency.ts';
import type { StreamSource } from './opened-stream.ts';
import {
  type PoolEvent,
  type PoolSettings,
  type PoolSurroundings,
  stormLevelsOf,
} from './pool-settings.ts';
import { SignatureWatch } from './signatures.ts';
import { type StormStatus, StormWatch } from './storm-watch.ts';
import { type AttemptSettings, type ClamdAnswer, StreamAttempts } from './stream-attempts.ts';

/** A look at a clamd is short: whoever does not answer it in time is away. */
const probeMs = 3000;
/** A canary waits for a thread, too. */
const canarySilenceMs = 15_000;
/** Fewer answers than this say nothing about how slow clamd is. */
const latencyCountMin = 5;

/** How busy the pool is. */
export interface PoolLoad {
  /** Streams that the clamds work on, given-up ones included. */
  readonly inflight: number;
  /** Streams that wait for a place. */
  readonly waiting: number;
  /** How long the first of them has waited, in milliseconds. */
  readonly longestWaitMs: number;
  readonly latency: Percentiles;
  readonly storm: StormStatus;
  /** Whether the clamds have had different signatures for long. */
  readonly skewed: boolean;
}

export class ClamdPool {
  /** What the clamds say that they have; asked by whoever keeps an answer. */
  readonly versions: DatabaseVersions;
  readonly #clock: Clock;
  readonly #tell: (event: PoolEvent) => void;
  readonly #places: ClamdPlaces;
  readonly #watch: EndpointWatch;
  readonly #attempts: StreamAttempts;
  readonly #latency: Latency;
  readonly #signatures: SignatureWatch;
  readonly #storm: StormWatch;
  readonly #drains: Drains;
  readonly #dialling: Pick<Dialling, 'clock' | 'lookup'>;
  #settings: PoolSettings;
  /** Made once, for it is asked for with each stream. */
  #attemptSettings: AttemptSettings;
  #closed = false;

  constructor(settings: PoolSettings, surroundings: PoolSurroundings) {
    const { clock, random, lookup, observe = () => undefined } = surroundings;
    const dialling = { clock, ...(lookup && { lookup }) };
    this.#dialling = dialling;
    this.#settings = settings;
    this.#attemptSettings = { ...settings, ...dialling };
    this.#clock = clock;
    this.#tell = observe;
    this.versions = new DatabaseVersions({ endpoints: [], ...dialling, connectMs: probeMs });
    this.#latency = new Latency(clock);
    this.#places = new ClamdPlaces(settings.waitingMax, {
      clock,
      wanted: () => {
        this.#watch.want();
      },
    });
    this.#attempts = new StreamAttempts({
      places: this.#places,
      latency: this.#latency,
      settings: () => this.#attemptSettings,
      worth: (endpoint) => this.#worthOf(endpoint),
    });
    this.#watch = new EndpointWatch({
      ...dialling,
      random,
      versions: this.versions,
      connectMs: probeMs,
      silenceMs: canarySilenceMs,
      streamBytesMax: Infinity,
      canaryEveryMs: () => this.#settings.canaryEveryMs,
      fileBytesMax: (endpoint) => this.#settings.fileBytesMaxOf?.(endpoint),
      isWanted: () => this.#places.waiting > 0,
      looked: (endpoint, news) => {
        this.#looked(endpoint, news);
      },
    });
    this.#drains = new Drains({
      clock,
      changed: (endpoint, on) => {
        this.#drained(endpoint, on);
      },
    });
    const ageMsMax = (): number => this.#settings.signatureAgeMsMax;
    this.#signatures = new SignatureWatch({ clock, ageMsMax, observe: this.#tell });
    this.#storm = this.#newStormWatch();
    this.adjust(settings);
  }

  get load(): PoolLoad {
    return {
      inflight: this.#places.inflight,
      waiting: this.#places.waiting,
      longestWaitMs: this.#places.longestWaitMs,
      latency: this.#latency.read(),
      storm: this.#storm.status,
      skewed: this.#signatures.isSkewed,
    };
  }

  /** How each clamd is, as far as is known without asking. */
  get status(): readonly EndpointStatus[] {
    return this.#places.endpoints.map((endpoint) => this.#statusOf(endpoint));
  }

  /** Looks after the clamds in the background until `close`. */
  start(): void {
    this.#watch.start();
    this.#storm.start();
  }

  /** Looks at each clamd once: for who scans a message or two and goes. Never rejects. */
  look(): Promise<void> {
    return this.#watch.look();
  }

  /** Ends what goes on in the background. Scans that are under way go on. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
    this.#storm.close();
    this.versions.close();
    this.#drains.close();
  }

  /** Others from now on. What a clamd that stays is known for is kept; one that goes finishes what it has. */
  adjust(settings: PoolSettings): void {
    const { endpoints, inflightMax, waitingMax, hasOthers } = settings;
    const known = this.#places.endpoints;
    const next = endpoints.map((member) => {
      const old = known.find(({ address }) => address.name === member.address.name);
      if (!old) return this.#newEndpoint(member, inflightMax);
      old.weight = member.weight;
      old.limit.ceiling = inflightMax;
      return old;
    });
    for (const old of known) if (!next.includes(old)) old.lastWorth = this.#worthOf(old);
    this.#settings = settings;
    this.#attemptSettings = { ...settings, ...this.#dialling };
    this.versions.adjust({ endpoints: next.map(({ address }) => address), hasOthers });
    this.#watch.adjust(next);
    this.#drains.adjust(next);
    this.#places.waitingMax = waitingMax;
    this.#places.endpoints = next;
  }

  /**
   * Scans one stream. That no clamd could do it is an answer (`failed`), not an error.
   *
   * @throws {Cancelled} when `signal` is aborted.
   * @throws what reading the source throws.
   */
  scan(source: StreamSource, signal: CancelSignal): Promise<ClamdAnswer> {
    return this.#attempts.scan(source, signal);
  }

  /** Whether what would be called off by `signal` waits for a clamd. */
  isWaiting(signal: CancelSignal): boolean {
    return this.#places.isWaiting(signal);
  }

  /** Whether the signatures of a clamd are older than they may be. */
  hasOldSignatures(name: string): boolean {
    return this.#signatures.isOld(name);
  }

  /**
   * Gives a clamd nothing new for `forMs`; said again, the time runs anew.
   *
   * @returns undefined where it is not one of the pool.
   */
  drain(name: string, forMs: number): EndpointStatus | undefined {
    const endpoint = this.#named(name);
    if (!endpoint) return undefined;
    this.#drains.begin(endpoint, forMs);
    return this.#statusOf(endpoint);
  }

  /** Mail again, as soon as it has shown its canary. @returns undefined where it is not one of the pool. */
  resume(name: string): EndpointStatus | undefined {
    const endpoint = this.#named(name);
    if (!endpoint) return undefined;
    this.#drains.end(endpoint);
    this.#watch.hurry(endpoint);
    return this.#statusOf(endpoint);
  }

  #drained(endpoint: ClamdEndpoint, on: boolean): void {
    this.#tell({ kind: 'draining', endpoint: endpoint.address.name, on });
    if (on) return;
    endpoint.learn({ kind: 'suspect', detail: 'was drained' });
    this.#watch.hurry(endpoint);
    this.#places.changed();
  }

  #newEndpoint(member: PoolSettings['endpoints'][number], inflightMax: number): ClamdEndpoint {
    return new ClamdEndpoint(member, inflightMax, {
      clock: this.#clock,
      changed: (changed, was) => {
        this.#changed(changed, was);
      },
    });
  }

  #newStormWatch(): StormWatch {
    return new StormWatch({
      clock: this.#clock,
      levels: () => stormLevelsOf(this.#settings),
      load: () => {
        const { count, p95 } = this.#latency.read();
        return {
          waiting: this.#places.waiting,
          waitMs: this.#places.longestWaitMs,
          latencyMs: count < latencyCountMin ? undefined : p95,
        };
      },
      cut: () => {
        for (const { limit } of this.#places.endpoints) limit.cut();
      },
      hold: (held) => {
        for (const { limit } of this.#places.endpoints) limit.held = held;
      },
      changed: (on, detail) => {
        this.#tell({ kind: 'storm', on, detail });
      },
    });
  }

  #changed(endpoint: ClamdEndpoint, was: EndpointState | undefined): void {
    if (endpoint.removed || this.#closed) return;
    if (endpoint.state === 'lying') this.versions.distrust(endpoint.address.name);
    this.#tell({ kind: 'state', endpoint: this.#statusOf(endpoint), was });
    // What is held by one that is away is better tried with one that is there.
    for (const one of this.#places.endpoints) {
      const isElsewhere = this.#places.endpoints.some((other) => other !== one && other.isOpen);
      if (one.state !== 'ready' && one.state !== 'busy' && isElsewhere) one.giveUp();
    }
    if (endpoint.state === 'busy') this.#watch.rest(endpoint);
    else if (was === 'ready') this.#watch.hurry(endpoint);
    this.#places.changed();
  }

  #looked(endpoint: ClamdEndpoint, { alerts, fileSize }: LimitNews): void {
    const { name } = endpoint.address;
    if (alerts) this.#tell({ kind: 'alerts', endpoint: name, alerts });
    if (fileSize) this.#tell({ kind: 'file-size', endpoint: name, fileSize });
    this.#signatures.look(this.versions.all);
    // A limit may have grown, or a lease ended, without a change of state.
    this.#places.changed();
  }

  #worthOf(endpoint: ClamdEndpoint): ClamdWorth {
    if (endpoint.lastWorth) return endpoint.lastWorth;
    const { name } = endpoint.address;
    const { alerts, fileBytesMax = Infinity } = this.#watch.limits(endpoint);
    const ceilings = strictest(this.#settings.ceilingsOf(name), { fileBytesMax });
    return { ceilings, alerts, hasOldSignatures: this.hasOldSignatures(name) };
  }

  #named(name: string): ClamdEndpoint | undefined {
    return this.#places.endpoints.find(({ address }) => address.name === name);
  }

  #statusOf(endpoint: ClamdEndpoint): EndpointStatus {
    const version = this.versions.version(endpoint.address.name);
    return statusOf(endpoint, { version, ...this.#watch.limits(endpoint) }, this.#clock);
  }
}
