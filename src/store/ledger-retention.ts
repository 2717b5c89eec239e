/** When entries that nobody asks for any more are removed: every hour, in slices. */
import type { Clock, Timer } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { LedgerLink } from './ledger-link.ts';
import { sliceMax } from './ledger-writer.ts';
import type { ScanSlots } from './scan-slots.ts';

const firstMs = 10_000;
const intervalMs = 60 * 60 * 1000;
/** Between two slices, for the commits of others. */
const pauseMs = 50;

export interface RetentionSettings {
  readonly clock: Clock;
  /** How long after its last change an entry is kept; twice that while it is not settled. */
  readonly retentionMs: number;
  /** Told when it has failed; it is tried again an hour later. Must not throw. */
  readonly warn: (what: string) => void;
}

export class LedgerRetention {
  readonly #link: LedgerLink;
  readonly #scans: ScanSlots;
  readonly #settings: RetentionSettings;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(link: LedgerLink, scans: ScanSlots, settings: RetentionSettings) {
    this.#link = link;
    this.#scans = scans;
    this.#settings = settings;
    this.#in(firstMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #in(ms: number): void {
    if (this.#stopped) return;
    this.#timer = this.#settings.clock.after(ms, () => void this.#expire());
  }

  async #expire(): Promise<void> {
    const { clock, retentionMs, warn } = this.#settings;
    const settled = clock.now() - retentionMs;
    this.#scans.expire(settled);
    try {
      const order = { kind: 'expire', settled, unsettled: settled - retentionMs } as const;
      const removed = await this.#link.order(order);
      this.#in(removed === sliceMax ? pauseMs : intervalMs);
    } catch (error) {
      if (this.#stopped) return;
      warn(`old entries could not be removed: ${messageOf(error)}`);
      this.#in(intervalMs);
    }
  }
}
