/**
 * What it costs that each message is handed over once: the same load with the ledger off and on, to
 * smtp-sink and to a Postfix that asks before it commits, in turn and again and again.
 */
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { openLedgerReader } from '../../src/store/ledger-reader.ts';
import { type DiskFigures, diskFigures } from '../ledger/commits.ts';
import { type Comparison, comparisonsOf, type Pair } from '../report/comparisons.ts';
import { type Cell, type Figures, figuresOf, type Measurement } from '../report/figures.ts';
import { measure } from '../stage/measure.ts';
import { type OnceStage, onceVariants, type OnceVariant, startOnceStage } from './once-stage.ts';
import type { Options } from '../options.ts';
import type { Place, Stage } from '../stage/stage.ts';

export interface OnceFigures {
  readonly repeats: number;
  readonly seconds: number;
  readonly figures: readonly Figures[];
  readonly ratios: readonly Comparison[];
  /** Before the run. */
  readonly disk: DiskFigures;
  /** Messages that were sent, all of which the ledger has as delivered. */
  readonly delivered: Partial<Readonly<Record<OnceVariant, number>>>;
}

/** The dearest case for the ledger: little to scan, and no connection to be opened. */
const load = { kind: 'text-4k', perConnection: 100 } as const;
const pairs: readonly Pair[] = [
  ['sink-on', 'sink-off', 'rate'],
  ['postfix-on', 'postfix-off', 'rate'],
];
const diskSeconds = 2;
/** What is not waited for by the reply is stored by then. */
const settledMs = 1000;

export async function measureOnce(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<OnceFigures> {
  const { onceRepeats: repeats, seconds } = options;
  const disk = await diskFigures(tmpdir(), diskSeconds);
  tell('the ledger off and on: starting');
  const once = await startOnceStage(stage, options.profileDirectory);
  try {
    const before = countsOf(stage, once);
    const cells = cellsOf(once, options);
    await warmUp(stage, once, options);
    const measurements: Measurement[] = [];
    for (let repeat = 1; repeat <= repeats; repeat++) {
      // In both orders as often: what comes after what must not decide.
      for (const cell of repeat % 2 === 1 ? cells : cells.toReversed()) {
        measurements.push(await measure(stage, placeOf(once, cell), cell, { ...options, repeat }));
      }
      tell(`the ledger off and on: ${repeat} of ${repeats}`);
    }
    const figures = cells.map((cell) => figuresOf(cell, measurements));
    const ratios = comparisonsOf(cells, pairs, measurements);
    await delay(settledMs);
    const delivered = checkedDelivered(before, countsOf(stage, once));
    return { repeats, seconds, figures, ratios, disk, delivered };
  } finally {
    await once.close();
  }
}

type OnceCell = Cell & { readonly variant: OnceVariant };

function cellsOf(once: OnceStage, { onceSessions }: Options): OnceCell[] {
  const there = onceVariants.filter((variant) => once.places[variant]);
  return onceSessions.flatMap((sessions) =>
    there.map((variant) => ({ ...load, variant, sessions })),
  );
}

function placeOf({ places }: OnceStage, { variant }: OnceCell): Place {
  const place = places[variant];
  assert(place, `${variant} is on the stage`);
  return place;
}

/** Each daemon as it is after its first tens of thousands of messages; see hop/one-hop.ts. */
async function warmUp(stage: Stage, once: OnceStage, options: Options): Promise<void> {
  const seconds = options.steadySeconds;
  const sessions = Math.max(...options.onceSessions);
  for (const { target } of Object.values(once.places)) {
    await stage.load({ ...load, target, sessions, seconds });
  }
}

interface Counts {
  readonly variant: OnceVariant;
  readonly sent: number;
  readonly delivered: number;
}

function countsOf(stage: Stage, { ledgers, places }: OnceStage): Counts[] {
  return onceVariants.flatMap((variant) => {
    const [place, file] = [places[variant], ledgers[variant]];
    if (!place || file === undefined) return [];
    const sent = stage.sentTo(place.target);
    return [{ variant, sent, delivered: deliveredIn(file, variant === 'postfix-on') }];
  });
}

/** A message that the ledger does not know costs it nothing: that each was written down is looked up. */
function checkedDelivered(
  before: readonly Counts[],
  after: readonly Counts[],
): OnceFigures['delivered'] {
  const pairs = after.map(({ variant, sent, delivered }, index): [OnceVariant, number] => {
    const count = delivered - (before[index]?.delivered ?? 0);
    assert.equal(count, sent - (before[index]?.sent ?? 0), `delivered entries, ${variant}`);
    return [variant, count];
  });
  return Object.fromEntries(pairs);
}

/** @param asked whether the next hop asked for each. */
function deliveredIn(file: string, asked: boolean): number {
  const reader = openLedgerReader(file);
  let count = 0;
  for (const { nextQueueId } of reader.entries({ states: ['delivered'] })) {
    if ((nextQueueId !== undefined) === asked) count++;
  }
  reader.close();
  return count;
}
