/**
 * How long clamd takes for a stream, as percentiles over the last minute or so: counts in steps of a
 * tenth, in memory that does not grow. What it tells lies within 5 % of what was measured.
 */
import type { Clock } from '../clock.ts';

export interface Percentiles {
  /** How many were measured; the rest is 0 where none was. */
  readonly count: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const step = 1.1;
const perStep = 1 / Math.log(step);
/** Up to 1.1^160 ms, more than an hour. */
const steps = 160;
/** Two windows are told of together: the one before, and the one that has begun. */
const windowMs = 30_000;

export class Latency {
  readonly #clock: Clock;
  #now = new Uint32Array(steps);
  #before = new Uint32Array(steps);
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.monotonic();
  }

  observe(ms: number): void {
    this.#turn();
    const at = ms <= 1 ? 0 : Math.min(steps - 1, Math.ceil(Math.log(ms) * perStep));
    this.#now[at] = (this.#now[at] ?? 0) + 1;
  }

  read(): Percentiles {
    this.#turn();
    const counts = this.#now.map((count, at) => count + (this.#before[at] ?? 0));
    const count = counts.reduce((sum, each) => sum + each, 0);
    const at = (share: number): number => (count === 0 ? 0 : percentile(counts, share * count));
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }

  #turn(): void {
    const passed = this.#clock.monotonic() - this.#began;
    if (passed < windowMs) return;
    this.#before = passed < 2 * windowMs ? this.#now : new Uint32Array(steps);
    this.#now = new Uint32Array(steps);
    this.#began = this.#clock.monotonic();
  }
}

function percentile(counts: Uint32Array, rank: number): number {
  let below = 0;
  for (const [at, count] of counts.entries()) {
    below += count;
    if (below >= rank) return at === 0 ? 1 : step ** (at - 0.5);
  }
  return step ** steps;
}
