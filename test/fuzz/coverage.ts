/**
 * Which code under src/ has run: V8's own block coverage, so that nothing has to be instrumented
 * and the code under test is the code that ships. Asking costs some milliseconds, whatever has run
 * since; so it is asked for many inputs at once.
 */
import { type Profiler, Session } from 'node:inspector';

/** Of one function: which of its characters have run, and how many have not. */
interface Known {
  readonly ran: Uint8Array;
  left: number;
}

/** What has run in a while. */
export interface Run {
  /** By function. */
  readonly blocks: ReadonlyMap<string, readonly Profiler.CoverageRange[]>;
  /** How often blocks were entered. */
  readonly steps: number;
}

export class Coverage {
  readonly #session = new Session();
  readonly #known = new Map<string, Known>();
  /** Characters of the source that have run. */
  covered = 0;

  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.disconnect();
  }

  /** What has run since it was asked last. */
  take(): Run {
    const blocks = new Map<string, readonly Profiler.CoverageRange[]>();
    let steps = 0;
    for (const { url, functions } of this.#scripts()) {
      for (const { ranges } of functions) {
        const [all] = ranges;
        if (all === undefined || all.count === 0) continue;
        blocks.set(`${url} ${all.startOffset} ${all.endOffset}`, ranges);
        for (const { count } of ranges) steps += count;
      }
    }
    return { blocks, steps };
  }

  /** How many characters of the source ran that never did before. */
  fresh(run: Run): number {
    let fresh = 0;
    for (const [name, ranges] of run.blocks) fresh += this.#freshIn(name, ranges).length;
    return fresh;
  }

  /** From now on what ran is known. */
  learn(run: Run): void {
    for (const [name, ranges] of run.blocks) {
      const fresh = this.#freshIn(name, ranges);
      const known = this.#of(name, ranges);
      for (const at of fresh) known.ran[at] = 1;
      known.left -= fresh.length;
      this.covered += fresh.length;
    }
  }

  #scripts(): readonly Profiler.ScriptCoverage[] {
    let found: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      found = result.filter(({ url }) => url.includes('/src/'));
    });
    return found;
  }

  #of(name: string, ranges: readonly Profiler.CoverageRange[]): Known {
    const [all] = ranges;
    const size = all === undefined ? 0 : all.endOffset - all.startOffset;
    const known = this.#known.get(name) ?? { ran: new Uint8Array(size), left: size };
    this.#known.set(name, known);
    return known;
  }

  /** Blocks come after those that they lie in, and count 0 where they were left out. */
  #freshIn(name: string, ranges: readonly Profiler.CoverageRange[]): readonly number[] {
    const { ran, left } = this.#of(name, ranges);
    if (left === 0) return [];
    const origin = ranges[0]?.startOffset ?? 0;
    const now = new Uint8Array(ran.length);
    for (const { startOffset, endOffset, count } of ranges) {
      now.fill(count > 0 ? 1 : 0, startOffset - origin, endOffset - origin);
    }
    const fresh: number[] = [];
    for (let at = 0; at < now.length; at++) if (now[at] === 1 && ran[at] === 0) fresh.push(at);
    return fresh;
  }
}
