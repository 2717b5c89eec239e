/**
 * One way beside another, repeat by repeat, so that what slows the machine down for a while slows
 * both. Pure.
 */
import {
  type Cell,
  isOf,
  type Measurement,
  onlyCell,
  rateOf,
  type Spread,
  spreadOf,
} from './figures.ts';

/**
 * What is compared: messages a second as a share of the other's; how many milliseconds longer half of
 * the messages take; CPU time of what is between client and sink as a multiple of the other's.
 */
export type Measure = 'rate' | 'added p50' | 'cpu';

export interface Comparison extends Cell {
  readonly against: string;
  readonly measure: Measure;
  readonly value: Spread;
}

/** A way, another, and what is compared. */
export type Pair = readonly [variant: string, against: string, measure: Measure];

const compare: Readonly<Record<Measure, (one: Measurement, other: Measurement) => number>> = {
  rate: (one, other) => rateOf(one) / rateOf(other),
  'added p50': (one, other) => one.latencyMs.p50 - other.latencyMs.p50,
  cpu: (one, other) => cpuBetween(one) / cpuBetween(other),
};

/** Those of the pairs of which both were measured. */
export function comparisonsOf(
  cells: readonly Cell[],
  pairs: readonly Pair[],
  all: readonly Measurement[],
): Comparison[] {
  return pairs.flatMap(([variant, against, measure]) =>
    cells
      .filter((cell) => cell.variant === variant)
      .flatMap((cell) => {
        const values = pairsOf(cell, against, all).map(([one, other]) =>
          compare[measure](one, other),
        );
        if (values.length === 0) return [];
        return { ...onlyCell(cell), against, measure, value: spreadOf(values) };
      }),
  );
}

function pairsOf(
  cell: Cell,
  against: string,
  all: readonly Measurement[],
): (readonly [Measurement, Measurement])[] {
  const others = all.filter((one) => isOf({ ...cell, variant: against }, one));
  return all
    .filter((one) => isOf(cell, one))
    .flatMap((one) =>
      others.filter(({ repeat }) => repeat === one.repeat).map((other) => [one, other] as const),
    );
}

function cpuBetween({ processes }: Measurement): number {
  const { clamgate, floor, filter } = processes;
  return (clamgate ?? floor ?? filter)?.cpu ?? NaN;
}
