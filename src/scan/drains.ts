/** Which clamds are drained, and until when: whoever drains one has to say so again in time. */
import type { Clock, Timer } from '../clock.ts';
import type { ClamdEndpoint } from './clamd-endpoint.ts';

export interface DrainsSettings {
  readonly clock: Clock;
  /** Told when one begins and ends to be drained. */
  readonly changed: (endpoint: ClamdEndpoint, on: boolean) => void;
}

export class Drains {
  readonly #settings: DrainsSettings;
  readonly #leases = new Map<ClamdEndpoint, Timer>();

  constructor(settings: DrainsSettings) {
    this.#settings = settings;
  }

  /** Until `forMs` from now, or until it is ended. */
  begin(endpoint: ClamdEndpoint, forMs: number): void {
    const { clock, changed } = this.#settings;
    const isNew = !endpoint.isDraining;
    endpoint.drainedUntil = clock.monotonic() + forMs;
    this.#leases.get(endpoint)?.cancel();
    const lease = clock.after(forMs, () => {
      this.end(endpoint);
    });
    this.#leases.set(endpoint, lease);
    if (isNew) changed(endpoint, true);
  }

  end(endpoint: ClamdEndpoint): void {
    this.#leases.get(endpoint)?.cancel();
    this.#leases.delete(endpoint);
    if (!endpoint.isDraining) return;
    endpoint.drainedUntil = undefined;
    this.#settings.changed(endpoint, false);
  }

  /** Knows of these, and of no others. */
  adjust(endpoints: readonly ClamdEndpoint[]): void {
    for (const [endpoint, lease] of this.#leases) {
      if (endpoints.includes(endpoint)) continue;
      lease.cancel();
      this.#leases.delete(endpoint);
    }
  }

  close(): void {
    this.adjust([]);
  }
}
