/** Measures every two seconds whether there is too much to do, and has less done at once while it is. */
import type { Clock, Timer } from '../clock.ts';
import { type Pressure, readPressure } from './pressure.ts';
import {
  afterSample,
  isEased,
  noStorm,
  type StormLevels,
  type StormSample,
  stormWords,
} from './storm.ts';

const everyMs = 2000;
/** The kernel's averages are over ten seconds: before that no cut has shown what it did. */
const cutEveryMs = 10_000;
const pressureDirectory = '/proc/pressure';

export interface StormWatchSettings {
  readonly clock: Clock;
  readonly levels: () => StormLevels;
  /** What is measured here in the process. */
  readonly load: () => Pick<StormSample, 'waiting' | 'waitMs' | 'latencyMs'>;
  /** Halves what is done at once. */
  readonly cut: () => void;
  /** Whether no more may be done at once than now. */
  readonly hold: (held: boolean) => void;
  /** Told when it begins and when it ends. */
  readonly changed: (on: boolean, detail: string) => void;
}

/** What is told of it to whoever asks. */
export interface StormStatus {
  readonly on: boolean;
  /** Milliseconds since the epoch when it began or ended; absent where there was none. */
  readonly since?: number;
  /** What is too much; '' while nothing is. */
  readonly detail: string;
  readonly pressure: Partial<Record<keyof Pressure, number>>;
}

export class StormWatch {
  readonly #settings: StormWatchSettings;
  #storm = noStorm;
  #since: number | undefined;
  #detail = '';
  #pressure: Pressure = { memory: undefined, io: undefined, cpu: undefined };
  #cutAt = -Infinity;
  #next: Timer | undefined;

  constructor(settings: StormWatchSettings) {
    this.#settings = settings;
  }

  get status(): StormStatus {
    const { memory, io, cpu } = this.#pressure;
    return {
      on: this.#storm.on,
      ...(this.#since !== undefined && { since: this.#since }),
      detail: this.#detail,
      pressure: {
        ...(memory !== undefined && { memory }),
        ...(io !== undefined && { io }),
        ...(cpu !== undefined && { cpu }),
      },
    };
  }

  /** From now on until `close`. */
  start(): void {
    this.#next = this.#settings.clock.after(everyMs, () => {
      this.#sample();
    });
  }

  close(): void {
    this.#next?.cancel();
  }

  #sample(): void {
    this.#pressure = readPressure(pressureDirectory);
    this.observe({ ...this.#settings.load(), ...this.#pressure });
    this.start();
  }

  observe(sample: StormSample): void {
    const { clock, changed, cut, hold } = this.#settings;
    const levels = this.#settings.levels();
    const before = this.#storm;
    this.#storm = afterSample(before, sample, levels);
    this.#detail = this.#storm.on ? stormWords(this.#storm, sample, levels) : '';
    if (this.#storm.on !== before.on) {
      this.#since = clock.now();
      changed(this.#storm.on, this.#detail);
    }
    hold(isEased(this.#storm));
    const now = clock.monotonic();
    if (!isEased(this.#storm) || now - this.#cutAt < cutEveryMs) return;
    this.#cutAt = now;
    cut();
  }
}
