/**
 * Whether what a process uses grows: what it used a while after its start, against what it used in
 * the end. Memory goes up and down with what arrives and with the garbage collector, so of a while
 * the median counts, and of the heap the least, which is what is left after a collection.
 */
import type { Usage } from './watch.ts';

export interface Row {
  readonly what: string;
  readonly early: number;
  readonly late: number;
  /** `late` above it is growth. */
  readonly bound: number;
}

const MiB = 1024 * 1024;
/** A tenth, and what a process that uses little goes up and down by. */
const memoryBound = (early: number): number => early * 1.1 + 8 * MiB;
/** Connections to clamd and to the next hop come and go. */
const descriptorBound = (early: number): number => early + 10;

/**
 * @param settledSeconds when it has warmed up.
 * @throws {RangeError} when too little was seen to tell.
 */
export function growthOf(seen: readonly Usage[], settledSeconds: number): readonly Row[] {
  const settled = seen.filter(({ seconds }) => seconds >= settledSeconds);
  const share = Math.floor(settled.length / 4);
  if (share < 2) throw new RangeError(`${settled.length} looks are too few to compare`);
  const [early, late] = [settled.slice(0, share), settled.slice(-share)];
  const row = (
    what: string,
    [of, bound]: readonly [(some: readonly Usage[]) => number, (early: number) => number],
  ): Row => ({ what, early: of(early), late: of(late), bound: bound(of(early)) });
  return [
    row('resident bytes', [(some) => median(some.map((one) => one.residentBytes)), memoryBound]),
    row('heap bytes', [(some) => Math.min(...some.map((one) => one.heapBytes)), memoryBound]),
    row('descriptors', [
      (some) => Math.min(...some.map((one) => one.descriptors)),
      descriptorBound,
    ]),
    row('threads', [(some) => Math.min(...some.map((one) => one.threads)), (before) => before]),
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
