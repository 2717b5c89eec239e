/**
 * Where every decision of a simulated run comes from: drawn under a seed, or enumerated. It knows
 * nothing of what is decided.
 */

/** 0 and false are what happens when nothing goes wrong. */
export interface Choices {
  /** One of 0 … n - 1. */
  below(n: number, what: string): number;
  /** True with this probability. */
  chance(probability: number, what: string): boolean;
}

/** Draws under a seed: the same seed makes the same decisions in the same order. */
export class SeededChoices implements Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Seeds lie next to each other; their first numbers should not.
    for (let warmUp = 0; warmUp < 4; warmUp++) this.#next();
  }

  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#next() < probability;
  }

  /** mulberry32: small, fast, and good enough to wander about with. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

interface Taken {
  readonly what: string;
  readonly options: number;
  readonly option: number;
}

/**
 * Goes through all sequences of decisions in which at most `deviations` are other than 0, depth
 * first: a run repeats a prefix and takes 0 from there on; the next prefix is the last run's with
 * its last decision that has another option left moved on by one.
 */
export class EnumeratedChoices implements Choices {
  readonly #wanted: ReadonlySet<string>;
  readonly #deviations: number;
  #prefix: readonly number[] = [];
  #taken: Taken[] = [];
  #spent = 0;

  /** @param wanted what is enumerated; all else is 0. */
  constructor(wanted: ReadonlySet<string>, deviations: number) {
    this.#wanted = wanted;
    this.#deviations = deviations;
  }

  /** The decisions of the last run that were not 0, to be read: which one, and what it was. */
  get deviated(): readonly string[] {
    return this.#taken.flatMap(({ what, option }, at) =>
      option === 0 ? [] : [`decision ${at}: ${what} = ${option}`],
    );
  }

  below(n: number, what: string): number {
    if (!this.#wanted.has(what)) return 0;
    const options = this.#spent < this.#deviations ? n : 1;
    const option = this.#prefix[this.#taken.length] ?? 0;
    this.#taken.push({ what, options, option });
    if (option > 0) this.#spent++;
    return option;
  }

  chance(probability: number, what: string): boolean {
    return probability > 0 && this.below(2, what) === 1;
  }

  /** Makes ready for the next run; false when all have been made. */
  advance(): boolean {
    const last = this.#taken.findLastIndex(({ option, options }) => option + 1 < options);
    if (last < 0) return false;
    const kept = this.#taken.slice(0, last + 1).map(({ option }) => option);
    this.#prefix = kept.map((option, at) => (at === last ? option + 1 : option));
    this.#taken = [];
    this.#spent = 0;
    return true;
  }
}
