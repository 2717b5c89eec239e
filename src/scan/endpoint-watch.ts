/**
 * Looks after every clamd in the background: which version it has, and, whenever that moved or it
 * was away, whether it tells of its limits. Nothing here is on the path of a message.
 */
import { Canceller } from '../cancel-signal.ts';
import type { Timer } from '../clock.ts';
import { Cancelled, notNeeded } from '../errors.ts';
import type { ClamdAddress } from './clamd-address.ts';
import type { DatabaseVersions } from './database-versions.ts';
import { askLimitAlerts, type CanarySettings, type LimitAlerts } from './limits-canary.ts';

/** A clamd that starts anew needs longer to load its signatures, so its absence is seen. */
export const watchMs = 10_000;

export interface WatchSettings extends CanarySettings {
  readonly endpoints: readonly ClamdAddress[];
  readonly versions: DatabaseVersions;
}

/** Told whenever it is known anew whether a clamd tells of its limits. */
export type AlertsObserver = (endpoint: string, alerts: LimitAlerts) => void;

interface Told {
  readonly alerts: LimitAlerts;
  /** `DatabaseVersions.moves` before it was asked. */
  readonly moves: number;
}

export class EndpointWatch {
  readonly #settings: WatchSettings;
  readonly #stop = new Canceller();
  readonly #told = new Map<string, Told>();
  readonly #lastWord = new Map<string, LimitAlerts>();
  #observe: AlertsObserver = () => undefined;
  #next: Timer | undefined;

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  /** Whether this clamd tells of its limits, as far as is known of the one that is there now. */
  alerts(endpoint: string): LimitAlerts {
    const told = this.#told.get(endpoint);
    return told?.moves === this.#settings.versions.moves(endpoint)
      ? (told?.alerts ?? 'unknown')
      : 'unknown';
  }

  /** From now on until `close`. */
  start(observe: AlertsObserver): void {
    this.#observe = observe;
    void this.#watch();
  }

  close(): void {
    this.#next?.cancel();
    this.#stop.abort(notNeeded);
    this.#settings.versions.close();
  }

  /** Looks once at all of them. Never rejects. */
  async look(): Promise<void> {
    const { endpoints, versions } = this.#settings;
    await versions.since(versions.mark());
    await Promise.all(endpoints.map((address) => this.#ask(address)));
  }

  async #watch(): Promise<void> {
    await this.look();
    if (this.#stop.signal.aborted) return;
    this.#next = this.#settings.clock.after(watchMs, () => {
      void this.#watch();
    });
  }

  /** Once, until it is another. */
  #tell(name: string, alerts: LimitAlerts): void {
    if (this.#lastWord.get(name) === alerts) return;
    this.#lastWord.set(name, alerts);
    this.#observe(name, alerts);
  }

  async #ask(address: ClamdAddress): Promise<void> {
    const { name } = address;
    const moves = this.#settings.versions.moves(name);
    if (moves === undefined || this.alerts(name) !== 'unknown') return;
    try {
      const alerts = await askLimitAlerts(address, this.#settings, this.#stop.signal);
      this.#told.set(name, { alerts, moves });
      this.#tell(name, alerts);
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
    }
  }
}
