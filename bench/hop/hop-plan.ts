/** What the part 'one-hop' measures, and in which order. Pure. */
import { type Kind, kindBytes } from '../load/content.ts';
import type { Pair } from '../report/comparisons.ts';
import type { Cell } from '../report/figures.ts';

/**
 * The load goes to smtp-sink alone; to clamd alone, with the streams that clamgate sends or with each
 * whole message and nothing else; or through a filter with both: the least program, clamgate, or another.
 */
export const hopVariants = [
  'sink',
  'clamd',
  'clamd-whole',
  'floor',
  'clamgate',
  'clamsmtp',
  'amavisd-new',
] as const;
export type HopVariant = (typeof hopVariants)[number];

export type HopCell = Cell & { readonly variant: HopVariant };

export interface HopPlan {
  readonly kinds: readonly Kind[];
  readonly sessions: readonly number[];
  readonly perConnection: readonly number[];
  /** Of messages at work at once, or the cell is left out: what takes a minute for one measurement. */
  readonly atOnceBytesMax: number;
}

/** What is said of one way beside another. */
export const hopPairs: readonly Pair[] = [
  ['clamgate', 'clamd', 'rate'],
  ['clamgate', 'clamd-whole', 'rate'],
  ['clamgate', 'clamsmtp', 'rate'],
  ['clamgate', 'amavisd-new', 'rate'],
  ['clamgate', 'sink', 'rate'],
  ['clamd-whole', 'clamd', 'rate'],
  ['clamsmtp', 'clamd', 'rate'],
  ['amavisd-new', 'clamd', 'rate'],
  ['clamgate', 'clamd', 'added p50'],
  // What any program could reach: the least one, which has nothing scanned but the whole.
  ['floor', 'clamd', 'rate'],
  ['floor', 'clamd-whole', 'rate'],
  ['clamgate', 'floor', 'cpu'],
];

/** @param there of those that are on the stage. */
export function hopCells(plan: HopPlan, there: readonly HopVariant[]): HopCell[] {
  const { kinds, sessions, perConnection, atOnceBytesMax } = plan;
  return kinds.flatMap((kind) =>
    sessions
      .filter((count) => count * kindBytes[kind] <= atOnceBytesMax)
      .flatMap((count) =>
        perConnection.flatMap((messages, use) =>
          there
            .filter((variant) => hasSense(variant, kind, use))
            .map((variant) => ({
              ...{ variant, kind, sessions: count },
              perConnection: isClamd(variant) ? 0 : messages,
            })),
        ),
      ),
  );
}

/** @param use which of the numbers of messages on a connection. */
function hasSense(variant: HopVariant, kind: Kind, use: number): boolean {
  const isText = kind === 'text-4k';
  if (variant === 'floor') return isForFloor(kind);
  // A text has no parts besides the whole.
  if (variant === 'clamd-whole') return !isText && use === 0;
  // It hears nothing of SMTP connections.
  return variant !== 'clamd' || use === 0;
}

/** The least program gathers a message in a string, which of a large one would be much the most of its work. */
export function isForFloor(kind: Kind): boolean {
  return kind !== 'mixed' && kindBytes[kind] <= kindBytes['attachment-100k'];
}

function isClamd(variant: HopVariant): boolean {
  return variant === 'clamd' || variant === 'clamd-whole';
}
