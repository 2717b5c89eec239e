/** What is asked of clamgate's speed, what a run came to, and whether that reaches it. Pure. */
import type { Kind } from '../load/content.ts';
import type { Measure } from '../report/comparisons.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import type { Speed } from './speed.ts';

/** A figure that is asked for; the median of a run is held against it. */
export interface Goal {
  readonly what: string;
  readonly bound: 'at least' | 'at most';
  readonly asked: number;
  /** Behind the number, with the space before it. */
  readonly unit: string;
  readonly decimals: number;
  /** Undefined where the run has not measured it. */
  readonly value: (speed: Speed) => Spread | undefined;
}

export interface Reached {
  readonly goal: Goal;
  readonly came: Spread | undefined;
  readonly reached: 'yes' | 'no' | 'not measured';
}

const MB = 1e6;
const MiB = 1024 * 1024;

const share = { bound: 'at least', unit: '', decimals: 2 } as const;
const multiple = { bound: 'at least', unit: '×', decimals: 1 } as const;
const most = { bound: 'at most' } as const;
/** Flat within a tenth. */
const flat = { bound: 'at most', asked: 1.1, unit: '', decimals: 3 } as const;

export const goals: readonly Goal[] = [
  {
    what: '4 KiB, 8 sessions, one hop, of amavisd-new',
    asked: 6,
    ...multiple,
    value: hop('text-4k', 'amavisd-new'),
  },
  {
    what: '4 KiB, 8 sessions, one hop, of clamsmtp',
    asked: 5,
    ...multiple,
    value: hop('text-4k', 'clamsmtp'),
  },
  {
    what: '4 KiB text, 8 sessions, of clamd alone',
    asked: 0.5,
    ...share,
    value: hop('text-4k', 'clamd'),
  },
  {
    what: '100 KiB attachments, of clamd alone, same streams',
    asked: 0.85,
    ...share,
    value: hop('attachment-100k', 'clamd'),
  },
  {
    what: '100 KiB attachments, of clamd alone, whole only',
    asked: 0.65,
    ...share,
    value: hop('attachment-100k', 'clamd-whole'),
  },
  {
    what: '1 MiB attachments, of clamd alone, same streams',
    asked: 0.85,
    ...share,
    value: hop('attachment-1m', 'clamd'),
  },
  {
    what: '1 MiB attachments, of clamd alone, whole only',
    asked: 0.65,
    ...share,
    value: hop('attachment-1m', 'clamd-whole'),
  },
  {
    what: 'through Postfix, after the queue, of Postfix alone',
    asked: 0.75,
    ...share,
    value: afterQueue,
  },
  {
    what: 'added latency p50, 4 KiB, one session, beyond clamd',
    asked: 3,
    ...most,
    unit: ' ms',
    decimals: 1,
    value: hop('text-4k', 'clamd', 'added p50', 1),
  },
  {
    what: '32 sessions × 10 MiB: peak resident memory',
    asked: 150,
    ...most,
    unit: ' MB',
    decimals: 0,
    value: peakMemory,
  },
  {
    what: 'idle: resident memory',
    asked: 100,
    ...most,
    unit: ' MB',
    decimals: 0,
    value: idleMemory,
  },
  { what: 'idle: CPU', asked: 0.2, ...most, unit: ' %', decimals: 2, value: idleCpu },
  { what: 'start to listening', asked: 0.8, ...most, unit: ' s', decimals: 2, value: startSeconds },
  { what: 'CPU a message, ledger of 1,000,000 against none', ...flat, value: ledgerGrowth },
  { what: 'CPU a message, session of 10,000 against a new one', ...flat, value: sessionGrowth },
  {
    // Not by the bench: 1 is what `make soak` would say of growth, 0 of none.
    what: 'two hours of mixed load: anything that grows (make soak)',
    asked: 0,
    ...most,
    unit: '',
    decimals: 0,
    value: () => undefined,
  },
];

export function reachOf(speed: Speed): Reached[] {
  // What is asked is asked beside a clamd that works.
  const { hop: oneHop, ...others } = speed;
  const withClamd = oneHop?.options.standIn ? others : speed;
  return goals.map((goal) => {
    const came = goal.value(withClamd);
    if (came === undefined || Number.isNaN(came.median)) {
      return { goal, came: undefined, reached: 'not measured' };
    }
    const { bound, asked } = goal;
    const reaches = bound === 'at least' ? came.median >= asked : came.median <= asked;
    return { goal, came, reached: reaches ? 'yes' : 'no' };
  });
}

/** Of those with most connections: where a run has several numbers of messages on one, the fewest. */
function hop(
  kind: Kind,
  against: string,
  measure: Measure = 'rate',
  sessions = 8,
): (speed: Speed) => Spread | undefined {
  return ({ hop: figures }) =>
    figures?.comparisons
      .filter((one) => one.variant === 'clamgate' && one.kind === kind)
      .filter((one) => one.sessions === sessions)
      .filter((one) => one.against === against && one.measure === measure)
      .sort((a, b) => a.perConnection - b.perConnection)[0]?.value;
}

function afterQueue({ doors }: Speed): Spread | undefined {
  return doors?.comparisons.find(
    ({ variant, against, kind, sessions }) =>
      variant === 'clamgate, after the queue' &&
      against === 'no filter' &&
      kind === 'text-4k' &&
      sessions === 8,
  )?.value;
}

function peakMemory({ footprint }: Speed): Spread | undefined {
  const peak = footprint?.peaks.find(
    ({ sessions, bytes }) => sessions === 32 && bytes === 10 * MiB,
  );
  return peak && spreadOf([peak.peakBytes / MB]);
}

function idleMemory({ footprint }: Speed): Spread | undefined {
  return footprint && spreadOf([footprint.idle.bytes / MB]);
}

function idleCpu({ footprint }: Speed): Spread | undefined {
  return footprint && spreadOf([footprint.idle.cpuShare * 100]);
}

function startSeconds({ footprint }: Speed): Spread | undefined {
  return footprint && spreadOf(footprint.starts.map(({ ms }) => ms / 1000));
}

function ledgerGrowth({ growth }: Speed): Spread | undefined {
  return growth?.ledger.entries === 1_000_000 ? growth.ledger.growth.ratio : undefined;
}

function sessionGrowth({ growth }: Speed): Spread | undefined {
  return growth?.session.messages === 10_000 ? growth.session.growth.ratio : undefined;
}
