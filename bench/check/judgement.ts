/**
 * Whether clamgate has become slower: a ratio of one run held against one that is stored. Processors differ
 * in it (floor.ts is mostly in the kernel, clamgate is not), so that each has its own. Pure.
 */
import type { Spread } from '../report/figures.ts';

/** The daemon's CPU time for a small text, as a multiple of floor.ts's. */
export interface StoredRatio {
  /** The processor's model. */
  readonly cpu: string;
  /** When it was measured, as RFC 3339 has it. */
  readonly time: string;
  readonly ratio: number;
}

export interface Judged {
  readonly measured: Spread;
  /** Undefined where none is stored for the processor. */
  readonly stored: number | undefined;
  readonly verdict: 'as before' | 'slower' | 'not judged';
}

/** README.md has the spread that it comes from. */
export const tolerance = 1.3;

export function judge(measured: Spread, all: readonly StoredRatio[], cpu: string): Judged {
  const stored = all.find((one) => one.cpu === cpu)?.ratio;
  if (stored === undefined) return { measured, stored, verdict: 'not judged' };
  const slower = measured.median > stored * tolerance;
  return { measured, stored, verdict: slower ? 'slower' : 'as before' };
}

/** The others, and this in place of that of the same processor. */
export function withStored(all: readonly StoredRatio[], own: StoredRatio): StoredRatio[] {
  return [...all.filter(({ cpu }) => cpu !== own.cpu), own];
}
