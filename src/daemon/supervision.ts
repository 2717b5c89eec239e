/**
 * Keeping systemd informed: when we are ready, reload and go down, one line of how we are, and that
 * we are alive. Alive is who turns its event loop *and* answers at its own listeners; who does not
 * is killed and started again.
 */
import type { Clock, Timer } from '../clock.ts';
import type { SelfChecked } from './self-check.ts';
import { oneLine, statusLine, type ToldStatus } from './systemd-status.ts';
import type { Notifier } from './systemd-notify.ts';

export interface SupervisionParts {
  readonly notifier: Notifier;
  readonly clock: Clock;
  /** WatchdogSec= in milliseconds; undefined where systemd does not watch. */
  readonly watchdogMs: number | undefined;
  /** How the daemon is; may take long. */
  readonly status: () => Promise<ToldStatus>;
  readonly selfCheck: () => Promise<SelfChecked>;
  /** Told once when a listener falls silent, or is not reached from the first. */
  readonly onSilence: (silence: Silence) => void;
}

export interface Silence {
  readonly address: string;
  /** Systemd will kill us for it, unless it answers again. */
  readonly fatal: boolean;
}

/** Without a watchdog, for the status line alone. */
const quietEveryMs = 15_000;
/** One check that is late must not be the end: two more are due before time is over. */
const beatsInTime = 4;
/** How long a look at the daemon may hold up the beat; it is shown with the next one. */
const lookMs = 1000;
/** While draining, and for how long each time more time is asked for. */
const drainEveryMs = 5000;
const drainExtensionMs = 30_000;

export class Supervision {
  readonly #parts: SupervisionParts;
  #timer: Timer | undefined;
  #line = 'Starting';
  #refusal: string | undefined;
  #checked: SelfChecked = { silent: [], unreached: [] };
  #phase: 'starting' | 'running' | 'stopping' | 'over' = 'starting';

  constructor(parts: SupervisionParts) {
    this.#parts = parts;
  }

  /** Listeners are open; whether clamd answers is for the status line to say. */
  ready(): void {
    this.#phase = 'running';
    this.#parts.notifier.tell({ READY: '1', STATUS: 'Listening' });
    void this.#beat();
  }

  reloading(): void {
    // sd_notify(3): with it systemd tells this reload from an earlier one.
    const usec = process.hrtime.bigint() / 1000n;
    this.#parts.notifier.tell({
      RELOADING: '1',
      MONOTONIC_USEC: usec.toString(),
      STATUS: 'Reading the configuration',
    });
  }

  /** @param refusal why the configuration before stays in force. */
  reloaded(refusal?: string): void {
    this.#refusal = refusal;
    // Whoever goes down meanwhile is not ready any more.
    if (this.#phase !== 'running') return;
    const status = refusal === undefined ? 'Listening' : oneLine(`Reload refused: ${refusal}`);
    this.#parts.notifier.tell({ READY: '1', STATUS: status });
    void this.#beat();
  }

  stopping(): void {
    this.#phase = 'stopping';
    this.#parts.notifier.tell({ STOPPING: '1', STATUS: 'Finishing what is at work' });
    void this.#beat();
  }

  /** Resolves when all has been said; nothing is said afterwards. */
  async close(): Promise<void> {
    this.#phase = 'over';
    this.#timer?.cancel();
    await this.#parts.notifier.said();
  }

  /** Looks, tells, and sets the time of the next beat. Never rejects. */
  async #beat(): Promise<void> {
    this.#timer?.cancel();
    const phase = this.#phase;
    const [alive] = await Promise.all([
      phase === 'running' ? this.#isAlive() : true,
      this.#look().catch(() => undefined),
    ]);
    if (this.#phase !== phase) return;
    const line = { STATUS: this.#line };
    if (phase === 'stopping') {
      this.#parts.notifier.refresh({ EXTEND_TIMEOUT_USEC: `${drainExtensionMs * 1000}`, ...line });
    } else {
      this.#parts.notifier.refresh(alive ? { WATCHDOG: '1', ...line } : line);
    }
    this.#again(phase === 'stopping' ? drainEveryMs : this.#everyMs);
  }

  get #everyMs(): number {
    const { watchdogMs } = this.#parts;
    return watchdogMs === undefined ? quietEveryMs : watchdogMs / beatsInTime;
  }

  #again(inMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(inMs, () => {
      void this.#beat();
    });
  }

  async #isAlive(): Promise<boolean> {
    const before = this.#checked;
    const now = await this.#parts.selfCheck();
    // Our listeners have been closed meanwhile.
    if (this.#phase !== 'running') return true;
    this.#checked = now;
    const { onSilence } = this.#parts;
    for (const address of newIn(now.silent, before.silent)) onSilence({ address, fatal: true });
    for (const address of newIn(now.unreached, before.unreached)) {
      onSilence({ address, fatal: false });
    }
    return now.silent.length === 0;
  }

  /** The line of now, or where that takes long the one before. */
  async #look(): Promise<void> {
    const looked = this.#parts.status().then((status) => {
      const silent = [...this.#checked.silent, ...this.#checked.unreached];
      this.#line = statusLine(status, { reload: this.#refusal, silent });
    });
    const patience = Promise.withResolvers<undefined>();
    const timer = this.#parts.clock.after(lookMs, () => {
      patience.resolve(undefined);
    });
    await Promise.race([looked, patience.promise]).finally(() => {
      timer.cancel();
    });
  }
}

function newIn(now: readonly string[], before: readonly string[]): readonly string[] {
  return now.filter((address) => !before.includes(address));
}
