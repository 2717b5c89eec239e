/** Every reading of a message that is in memory, for tests: what src/scan/ does with a spool. */
import type { DecoderName } from '../../src/reading/decoder.ts';
import { Follower } from '../../src/reading/follow.ts';
import { defaultReadingLimits, ReadingPlan } from '../../src/reading/plan.ts';
import { type Recipe, recipeWords } from '../../src/reading/recipe.ts';
import { Survey } from '../../src/reading/survey.ts';

export interface Reading {
  readonly words: string;
  readonly why: string;
  readonly odd: boolean;
  readonly bytes: Buffer;
}

export interface Readings {
  readonly readings: readonly Reading[];
  readonly exceeded: string | undefined;
  readonly isFragment: boolean;
}

export function readAll(pieces: readonly Buffer[], limits = defaultReadingLimits): Readings {
  const survey = new Survey(limits);
  for (const piece of pieces) survey.feed(piece);
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const plan = new ReadingPlan(limits, size, survey.end());
  let exceeded = survey.exceeded;
  const readings: Reading[] = [];
  for (let recipe = plan.next(); recipe !== undefined; recipe = plan.next()) {
    const inner = new Survey(limits, recipe);
    const { bytes, others } = follow(recipe, pieces, (chunk) => {
      inner.feed(chunk);
      plan.spend(chunk.length);
    });
    plan.learn(recipe, inner.end(), others);
    exceeded ??= inner.exceeded;
    const { why, odd } = recipe;
    readings.push({ words: recipeWords(recipe), why, odd, bytes });
  }
  return { readings, exceeded: exceeded ?? plan.exceeded, isFragment: survey.isFragment };
}

function follow(
  recipe: Recipe,
  pieces: readonly Buffer[],
  see: (chunk: Buffer) => void,
): { bytes: Buffer; others: readonly DecoderName[] } {
  const follower = new Follower(recipe);
  const out: Buffer[] = [];
  const take = (chunk: Buffer): void => {
    out.push(Buffer.from(chunk));
    see(chunk);
  };
  for (const piece of pieces) take(follower.feed(piece));
  take(follower.end());
  return { bytes: Buffer.concat(out), others: follower.others };
}
