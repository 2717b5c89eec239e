/** What is made of the measurements: medians with their spread, and ratios. */
import type { Kind } from '../load/content.ts';
import type { JobDone } from '../load/load.ts';
import type { ProcessName } from '../stage/stage.ts';

export const variants = ['sink', 'clamd', 'floor', 'clamgate'] as const;
/** The load goes to smtp-sink alone, to clamd alone, or through floor.ts or clamgate with both. */
export type Variant = (typeof variants)[number];

export const onceVariants = ['sink-off', 'sink-on', 'postfix-off', 'postfix-on'] as const;
/** Through clamgate to smtp-sink or to a Postfix, its ledger off or on; that Postfix then asks. */
export type OnceVariant = (typeof onceVariants)[number];

/** What is measured, repeatedly. */
export interface Cell {
  readonly variant: Variant | OnceVariant;
  readonly kind: Kind;
  readonly sessions: number;
  /** Messages on one SMTP connection, before the next one is opened; clamd has one for each stream. */
  readonly perConnection: number;
}

export interface ProcessUse {
  /** CPU seconds for 1,000 messages. */
  readonly cpu: number;
  readonly peakBytes: number;
}

export interface Measurement extends Cell, JobDone {
  readonly repeat: number;
  /** Only the processes that took part. */
  readonly processes: Partial<Readonly<Record<ProcessName, ProcessUse>>>;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Figures extends Cell {
  /** Messages a second. */
  readonly rate: Spread;
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99', Spread>>;
  readonly cpu: Partial<Readonly<Record<ProcessName, Spread>>>;
  readonly peakBytes: Partial<Readonly<Record<ProcessName, Spread>>>;
}

/** Its rate as a share of another one's, measured just before or after it. */
export interface Ratio extends Cell {
  readonly against: Cell['variant'];
  readonly ratio: Spread;
}

const processNames: readonly ProcessName[] = [
  'clamgate',
  'floor',
  'witness',
  'clamd',
  'sink',
  'load',
];

export function figuresOf(cell: Cell, all: readonly Measurement[]): Figures {
  const own = all.filter((one) => isOf(cell, one));
  const { variant, kind, sessions, perConnection } = cell;
  return {
    ...{ variant, kind, sessions, perConnection },
    rate: spreadOf(own.map(rateOf)),
    latencyMs: {
      p50: spreadOf(own.map(({ latencyMs }) => latencyMs.p50)),
      p95: spreadOf(own.map(({ latencyMs }) => latencyMs.p95)),
      p99: spreadOf(own.map(({ latencyMs }) => latencyMs.p99)),
    },
    cpu: ofEachProcess(own, ({ cpu }) => cpu),
    peakBytes: ofEachProcess(own, ({ peakBytes }) => peakBytes),
  };
}

/** clamgate's CPU time as a multiple of that of another process, for the same messages. */
export interface CpuRatio extends Cell {
  readonly against: 'floor' | 'clamd';
  readonly ratio: Spread;
}

/** @param cell of clamgate; clamd works in it, too, and the floor in the one measured before. */
export function cpuRatioOf(
  cell: Cell,
  against: CpuRatio['against'],
  all: readonly Measurement[],
): CpuRatio {
  const variant = against === 'floor' ? 'floor' : cell.variant;
  const others = all.filter((one) => isOf({ ...cell, variant }, one));
  const ratios = all
    .filter((one) => isOf(cell, one))
    .flatMap(({ repeat, processes: { clamgate } }) =>
      others.flatMap((other) => {
        const cpu = other.repeat === repeat ? other.processes[against]?.cpu : undefined;
        return cpu === undefined || !clamgate ? [] : [clamgate.cpu / cpu];
      }),
    );
  return { ...cell, against, ratio: spreadOf(ratios) };
}

/** Repeat by repeat, so that what slows the machine down for a while slows both. */
export function ratioOf(cell: Cell, against: Cell['variant'], all: readonly Measurement[]): Ratio {
  const own = all.filter((one) => isOf(cell, one));
  const others = all.filter((one) => isOf({ ...cell, variant: against }, one));
  const ratios = own.flatMap((one) =>
    others
      .filter(({ repeat }) => repeat === one.repeat)
      .map((other) => rateOf(one) / rateOf(other)),
  );
  const { variant, kind, sessions, perConnection } = cell;
  return { variant, kind, sessions, perConnection, against, ratio: spreadOf(ratios) };
}

function isOf(cell: Cell, one: Measurement): boolean {
  const { variant, kind, sessions, perConnection } = cell;
  const sameLoad = one.kind === kind && one.sessions === sessions;
  const sameUse = variant === 'clamd' || one.perConnection === perConnection;
  return one.variant === variant && sameLoad && sameUse;
}

function rateOf({ messages, seconds }: Measurement): number {
  return messages / seconds;
}

function ofEachProcess(
  measurements: readonly Measurement[],
  figure: (use: ProcessUse) => number,
): Partial<Record<ProcessName, Spread>> {
  const spreads: Partial<Record<ProcessName, Spread>> = {};
  for (const name of processNames) {
    const uses = measurements.flatMap(({ processes }) => processes[name] ?? []);
    if (uses.length > 0) spreads[name] = spreadOf(uses.map(figure));
  }
  return spreads;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? NaN, sorted[Math.ceil(middle)] ?? NaN];
  return { median: (low + high) / 2, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}
