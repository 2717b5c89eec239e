/** What is made of the measurements: medians with their spread. Pure. */
import type { Kind } from '../load/content.ts';
import type { JobDone } from '../load/load.ts';

/** The programs at work; a filter is one that stands in clamgate's place. */
export const processNames = [
  'clamgate',
  'floor',
  'filter',
  'witness',
  'postfix',
  'clamd',
  'sink',
  'load',
] as const;
export type ProcessName = (typeof processNames)[number];

/** What is measured, repeatedly. */
export interface Cell {
  /** The way that the messages go, as each part names it. */
  readonly variant: string;
  readonly kind: Kind;
  readonly sessions: number;
  /** Messages on one SMTP connection, before the next one is opened; 0 for clamd, which has one for each stream. */
  readonly perConnection: number;
}

export interface ProcessUse {
  /** CPU seconds for 1,000 messages. */
  readonly cpu: number;
  readonly peakBytes: number;
}

export interface Measurement extends Cell, JobDone {
  readonly repeat: number;
  /** Only the programs that took part. */
  readonly processes: Partial<Readonly<Record<ProcessName, ProcessUse>>>;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Figures extends Cell {
  /** In all repeats. */
  readonly messages: number;
  /** Messages a second. */
  readonly rate: Spread;
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99', Spread>>;
  readonly cpu: Partial<Readonly<Record<ProcessName, Spread>>>;
  readonly peakBytes: Partial<Readonly<Record<ProcessName, Spread>>>;
}

export function figuresOf(cell: Cell, all: readonly Measurement[]): Figures {
  const own = all.filter((one) => isOf(cell, one));
  return {
    ...onlyCell(cell),
    messages: own.reduce((sum, { messages }) => sum + messages, 0),
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

/** Whether the measurement is one of this cell; how clamd is connected to is no question. */
export function isOf(cell: Cell, one: Measurement): boolean {
  const { variant, kind, sessions, perConnection } = cell;
  const sameLoad = one.kind === kind && one.sessions === sessions;
  const sameUse = one.perConnection === 0 || one.perConnection === perConnection;
  return one.variant === variant && sameLoad && sameUse;
}

export function onlyCell({ variant, kind, sessions, perConnection }: Cell): Cell {
  return { variant, kind, sessions, perConnection };
}

/** Messages a second. */
export function rateOf({ messages, seconds }: Pick<JobDone, 'messages' | 'seconds'>): number {
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

/** Of no value at all, it is of no number. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)] ?? NaN, sorted[Math.ceil(middle)] ?? NaN];
  return { median: (low + high) / 2, min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}
