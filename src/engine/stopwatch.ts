import type { Clock } from '../clock.ts';
import type { StageMs } from './record.ts';

type Stage = Exclude<keyof StageMs, 'total'>;

/** Measures the stages of one transaction; one stage at a time, in any order. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #ms: Record<Stage, number> = { wait: 0, receive: 0, scan: 0, handover: 0 };
  #stage: Stage = 'wait';
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.monotonic();
    this.#since = this.#begun;
  }

  /** Ends the running stage and begins `stage`. */
  enter(stage: Stage): void {
    const now = this.#clock.monotonic();
    this.#ms[this.#stage] += now - this.#since;
    this.#stage = stage;
    this.#since = now;
  }

  read(): StageMs {
    this.enter(this.#stage);
    return { ...this.#ms, total: this.#since - this.#begun };
  }
}
