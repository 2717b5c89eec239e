/**
 * Which recipes are still to be followed for one message, within its ceilings. What is learned by
 * following one adds others: other decoders for the same bytes, and what was found in them.
 */
import type { SurveyLimits } from './bodies.ts';
import type { DecoderName } from './decoder.ts';
import { type Found, instead, type Recipe, within } from './recipe.ts';

export interface ReadingLimits extends SurveyLimits {
  /** Steps of one recipe. */
  readonly stepsMax: number;
  /** What following recipes may read in all: so many times the message, ... */
  readonly workFactorMax: number;
  /** ... and so many bytes besides. */
  readonly workBytesMax: number;
}

const MiB = 1024 * 1024;

/** Ordinary mail comes to 2 times its bytes, and to less than 10 readings. */
export const defaultReadingLimits: ReadingLimits = {
  bodiesMax: 2000,
  openMax: 32,
  readingsMax: 2000,
  stepsMax: 12,
  workFactorMax: 24,
  workBytesMax: 8 * MiB,
};

export class ReadingPlan {
  readonly #limits: ReadingLimits;
  readonly #queue: Recipe[] = [];
  /** The steps of all recipes so far. */
  readonly #known = new Set<string>();
  #workLeft: number;
  /** The first ceiling that was met, in words. */
  exceeded: string | undefined;

  /** @param found in the message, which has `messageBytes` bytes. */
  constructor(limits: ReadingLimits, messageBytes: number, found: readonly Found[]) {
    this.#limits = limits;
    this.#workLeft = messageBytes * limits.workFactorMax + limits.workBytesMax;
    for (const recipe of found) this.#add(recipe);
  }

  /** The next recipe to follow; undefined when all were, or a ceiling ends it. */
  next(): Recipe | undefined {
    return this.isSpent ? undefined : this.#queue.shift();
  }

  /** Whether no more may be read. */
  get isSpent(): boolean {
    return this.#workLeft < 0;
  }

  /** Accounts for bytes that were read or decoded. */
  spend(bytes: number): void {
    this.#workLeft -= bytes;
    if (this.isSpent) {
      this.exceeded ??= `more than ${this.#limits.workFactorMax} times the message to read`;
    }
  }

  /** What came of following `recipe`. */
  learn(recipe: Recipe, found: readonly Found[], others: readonly DecoderName[]): void {
    for (const decoder of others) this.#add(instead(recipe, decoder));
    for (const one of found) this.#add(within(recipe, one));
  }

  #add(recipe: Recipe): void {
    const key = recipe.steps
      .map(({ from, to, decoder }) => `${from}-${to ?? ''} ${decoder}`)
      .join();
    if (this.#known.has(key)) return;
    const { readingsMax, stepsMax } = this.#limits;
    if (recipe.steps.length > stepsMax) this.exceeded ??= `more than ${stepsMax} decodings deep`;
    else if (this.#known.size >= readingsMax) this.exceeded ??= `more than ${readingsMax} readings`;
    else {
      this.#known.add(key);
      this.#queue.push(recipe);
    }
  }
}
