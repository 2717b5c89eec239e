/**
 * Looks after every clamd in the background: whether it answers and keeps up, which version it has,
 * and, when that moved, when it was away and every few minutes, whether it can be believed. Nothing
 * here is on the path of a message, but that a message which waits has the next look come sooner.
 */
import { Canceller } from '../cancel-signal.ts';
import type { Timer } from '../clock.ts';
import { Cancelled, notNeeded } from '../errors.ts';
import type { ClamdEndpoint } from './clamd-endpoint.ts';
import { look, type Look, type ProbeSettings } from './endpoint-probe.ts';
import type { EndpointState } from './endpoint-state.ts';
import {
  alertsNow,
  type ClamdNow,
  type FileSize,
  fileSizeDue,
  type KnownLimits,
  limitsNow,
  type ShownLimits,
} from './known-limits.ts';
import type { LimitAlerts } from './limits-canary.ts';
import { askFileSize, leastBytes } from './size-canary.ts';
import { Tie } from './tie.ts';

export interface WatchSettings extends ProbeSettings {
  /** From 0 to below 1: by chance, so that many daemons do not ask in step. */
  readonly random: () => number;
  /** How long a canary that was right is enough, in milliseconds. */
  readonly canaryEveryMs: () => number;
  /** Whether mail waits. */
  readonly isWanted: () => boolean;
  /** What a clamd's MaxFileSize is taken for, in bytes; undefined where it is known. */
  readonly fileBytesMax: (endpoint: string) => number | undefined;
  /** Told after each look. */
  readonly looked: (endpoint: ClamdEndpoint, news: LimitNews) => void;
}

/** What a look has brought of a clamd's limits, where that is not what was told before. */
export interface LimitNews {
  readonly alerts?: LimitAlerts;
  readonly fileSize?: FileSize;
}

/** The first pause and the longest: they double while nothing changes. */
const pauses: Readonly<Record<EndpointState, readonly [number, number]>> = {
  ready: [5000, 5000],
  starting: [500, 10_000],
  reloading: [500, 5000],
  busy: [1000, 10_000],
  lying: [5000, 60_000],
  dead: [1000, 30_000],
};

/** Between looks at a clamd while mail waits for one. */
const wantedMs = 1000;

interface Seen extends Look {
  /** `DatabaseVersions.moves` before a canary was shown. */
  readonly moves: number | undefined;
}

interface Watched extends ShownLimits {
  readonly tie: Tie;
  running: Promise<void> | undefined;
  next: Timer | undefined;
  /** Monotonic, when the last look began. */
  began: number;
  /** Looks in a row that found the same state. */
  same: number;
  /** Of the last canary that was right: monotonic, and the moves of its version then. */
  believed: { readonly at: number; readonly moves: number | undefined } | undefined;
  lastWord: LimitAlerts | undefined;
  /** How often it was held back because its size was not answered. */
  sizeless: number;
}

/** So often a new clamd is held back for that. */
const sizelessMax = 5;

export class EndpointWatch {
  readonly #settings: WatchSettings;
  readonly #stop = new Canceller();
  readonly #watched = new Map<ClamdEndpoint, Watched>();
  #started = false;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  /** From now on until `close`. */
  start(): void {
    this.#started = true;
    for (const endpoint of this.#watched.keys()) void this.#look(endpoint);
  }

  close(): void {
    this.#stop.abort(notNeeded);
    for (const watched of this.#watched.values()) letGo(watched);
  }

  /** Looks after these, and no others. */
  adjust(endpoints: readonly ClamdEndpoint[]): void {
    for (const [old, watched] of this.#watched) {
      if (endpoints.includes(old)) continue;
      letGo(watched);
      this.#watched.delete(old);
    }
    for (const endpoint of endpoints) {
      if (this.#watched.has(endpoint)) continue;
      const tie = new Tie(() => {
        this.#broke(endpoint);
      });
      this.#watched.set(endpoint, newlyWatched(tie));
      if (this.#started) void this.#look(endpoint);
    }
  }

  /** Looks once at all of them. Never rejects. */
  async look(): Promise<void> {
    await Promise.all([...this.#watched.keys()].map((endpoint) => this.#look(endpoint)));
  }

  /** Looks at this one now, and not when its time comes. */
  hurry(endpoint: ClamdEndpoint): void {
    void this.#look(endpoint);
  }

  /** Lets this one be for a moment before it is looked at again. */
  rest(endpoint: ClamdEndpoint): void {
    const watched = this.#watched.get(endpoint);
    if (!watched) return;
    watched.began = this.#settings.clock.monotonic();
    this.#again(endpoint, watched);
  }

  /** Mail waits: looks soon at whatever might take it. */
  want(): void {
    for (const [endpoint, watched] of this.#watched) {
      if (endpoint.state !== 'ready') this.#again(endpoint, watched);
    }
  }

  /** What is known of its limits now. */
  limits(endpoint: ClamdEndpoint): KnownLimits {
    return limitsNow(this.#watched.get(endpoint) ?? nothingShown, this.#now(endpoint));
  }

  #now(endpoint: ClamdEndpoint): ClamdNow {
    const suspected = this.#settings.fileBytesMax(endpoint.address.name);
    return { moves: this.#moves(endpoint), suspected };
  }

  /** It may have been started anew: nothing holds that it has shown. */
  #broke(endpoint: ClamdEndpoint): void {
    this.#settings.versions.distrust(endpoint.address.name);
    endpoint.learn({ kind: 'suspect', detail: 'it ended a connection, perhaps to start anew' });
    void this.#look(endpoint);
  }

  /** One look at a time. */
  #look(endpoint: ClamdEndpoint): Promise<void> {
    const watched = this.#watched.get(endpoint);
    if (!watched || this.#stop.signal.aborted) return Promise.resolve();
    watched.next?.cancel();
    watched.running ??= this.#run(endpoint, watched).finally(() => {
      watched.running = undefined;
      if (this.#watched.get(endpoint) === watched) this.#again(endpoint, watched);
    });
    return watched.running;
  }

  async #run(endpoint: ClamdEndpoint, watched: Watched): Promise<void> {
    const { clock } = this.#settings;
    watched.began = clock.monotonic();
    let moves: number | undefined;
    const due = {
      // Before the canary: what shows that is then what is tied.
      tie: () => watched.tie.renew(endpoint.address, this.#settings, this.#stop.signal),
      canary: () => {
        // What it shows holds for what it had before it was asked.
        moves = this.#moves(endpoint);
        return this.#isCanaryDue(endpoint, watched);
      },
      limits: () => alertsNow(watched, this.#moves(endpoint)) === 'unknown',
    };
    try {
      const seen = await look(endpoint.address, due, this.#settings, this.#stop.signal);
      if (this.#watched.get(endpoint) !== watched) return;
      // Whoever answered the canary may be gone by now, or have other signatures.
      const believed = seen.believed && moves === this.#moves(endpoint);
      this.#note(watched, { ...seen, believed, moves });
      // Also where no canary was due: a size that was not answered is asked for at each look.
      const isSound = seen.evidence.kind === 'right' && seen.believed === believed;
      // A new one is asked before it has any mail; else what is known holds meanwhile.
      const isNew = watched.sized === undefined && endpoint.state !== 'ready';
      if (isSound && isNew) await this.#measure(endpoint, watched, believed);
      if (this.#watched.get(endpoint) !== watched) return;
      if (isSound && isNew && this.#waitsForSize(endpoint, watched)) return;
      this.#learn(endpoint, watched, { ...seen, believed });
      if (isSound && !isNew) await this.#measure(endpoint, watched, believed);
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
    }
  }

  /** Larger mail would be quarantined, and can wait: a new one may answer yet. */
  #waitsForSize(endpoint: ClamdEndpoint, watched: Watched): boolean {
    const upTo = fileSizeDue(watched, this.#now(endpoint), false);
    if (upTo === undefined || watched.sizeless > sizelessMax) return false;
    if (++watched.sizeless <= sizelessMax) return true;
    this.#settings.looked(endpoint, { fileSize: { upTo, bytes: leastBytes, isShown: false } });
    return false;
  }

  /** This takes a second or some, and more where its limit has to be looked for. */
  async #measure(endpoint: ClamdEndpoint, watched: Watched, believed: boolean): Promise<void> {
    const now = this.#now(endpoint);
    const upTo = fileSizeDue(watched, now, believed);
    if (upTo === undefined) return;
    const bytes = await askFileSize(endpoint.address, upTo, this.#settings, this.#stop.signal);
    if (bytes === undefined || this.#watched.get(endpoint) !== watched) return;
    const before = watched.sized?.fileSize;
    const fileSize = { upTo, bytes, isShown: true };
    watched.sized = { fileSize, moves: now.moves };
    if (before?.upTo === upTo && before.bytes === bytes) return;
    this.#settings.looked(endpoint, { fileSize });
  }

  #note(watched: Watched, { believed, alerts, moves }: Seen): void {
    if (believed) watched.believed = { at: watched.began, moves };
    if (alerts && moves !== undefined) watched.told = { alerts, moves };
  }

  #learn(endpoint: ClamdEndpoint, watched: Watched, { evidence, believed, alerts }: Look): void {
    if (evidence.kind === 'right' && !believed && endpoint.state !== 'ready') {
      // It fell into doubt while it was looked at, and has not shown the canary since.
      watched.began = -Infinity;
      return;
    }
    const { state } = endpoint;
    endpoint.learn(evidence);
    watched.same = endpoint.state === state ? watched.same + 1 : 0;
    const isNews = alerts !== undefined && alerts !== watched.lastWord;
    if (isNews) watched.lastWord = alerts;
    this.#settings.looked(endpoint, isNews ? { alerts } : {});
  }

  /** Whatever is not ready has to show it before it becomes so. */
  #isCanaryDue(endpoint: ClamdEndpoint, { believed, began }: Watched): boolean {
    if (endpoint.state !== 'ready' || !believed) return true;
    if (believed.moves !== this.#moves(endpoint)) return true;
    return began - believed.at >= this.#settings.canaryEveryMs();
  }

  #moves({ address }: ClamdEndpoint): number | undefined {
    return this.#settings.versions.moves(address.name);
  }

  #again(endpoint: ClamdEndpoint, watched: Watched): void {
    const { clock, random, isWanted } = this.#settings;
    if (watched.running || this.#stop.signal.aborted) return;
    const wanted = endpoint.state !== 'ready' && isWanted();
    if (!this.#started && !wanted) return;
    const [first, longest] = pauses[endpoint.state];
    const pause = Math.min(longest, first * 2 ** Math.min(watched.same, 10));
    const jittered = pause * (0.75 + random() / 2);
    const since = clock.monotonic() - watched.began;
    const ms = wanted ? Math.min(jittered, wantedMs) : jittered;
    watched.next?.cancel();
    if (since >= ms) {
      void this.#look(endpoint);
      return;
    }
    watched.next = clock.after(ms - since, () => {
      void this.#look(endpoint);
    });
  }
}

const nothingShown: Readonly<ShownLimits> = { told: undefined, sized: undefined };

function letGo({ next, tie }: Watched): void {
  next?.cancel();
  tie.close();
}

function newlyWatched(tie: Tie): Watched {
  return {
    tie,
    running: undefined,
    next: undefined,
    began: -Infinity,
    same: 0,
    believed: undefined,
    ...nothingShown,
    lastWord: undefined,
    sizeless: 0,
  };
}
