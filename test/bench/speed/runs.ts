/** Runs for tests. */
import type { Comparison } from '../../../bench/report/comparisons.ts';
import { type Cell, type Figures, spreadOf } from '../../../bench/report/figures.ts';
import type { SpeedRun } from '../../../bench/speed/speed.ts';
import { cell } from '../measurements.ts';

const begun = {
  time: '2026-01-02T03:04:05Z',
  machine: {
    ...{ cpu: 'a processor', cores: 2, memoryBytes: 2 ** 34, node: 'v24', clamd: 'ClamAV 1.4' },
    ...{ postfix: 'Postfix 3.7', loadBefore: 0.3 },
  },
};

export function figures(of: Cell, rate: number): Figures {
  const latency = spreadOf([rate / 10]);
  return {
    ...of,
    messages: 1000,
    rate: spreadOf([rate * 0.9, rate, rate * 1.1]),
    latencyMs: { p50: latency, p95: latency, p99: latency },
    cpu: { clamgate: spreadOf([1.25]), clamd: spreadOf([2.5]) },
    peakBytes: { clamgate: spreadOf([2 ** 27]), clamd: spreadOf([2 ** 28]) },
  };
}

export function beside(of: Cell, against: string, value: number): Comparison {
  return { ...of, against, measure: 'rate', value: spreadOf([value]) };
}

const clamgate = cell({ variant: 'clamgate' });
const kept = cell({ variant: 'clamgate', perConnection: 100 });
const clamsmtp = cell({ variant: 'clamsmtp' });
const milter = cell({ variant: 'clamgate, Milter' });

/** One hop and one door. */
export const run: SpeedRun = {
  ...begun,
  hop: {
    options: { repeats: 3, seconds: 2, signatures: 1000, steadySeconds: 1, standIn: false },
    figures: [figures(clamgate, 500), figures(kept, 700), figures(clamsmtp, 90)],
    comparisons: [
      beside(clamgate, 'clamd', 0.51),
      beside(clamgate, 'clamsmtp', 5.55),
      beside(kept, 'clamd', 0.71),
      beside(clamsmtp, 'clamd', 0.09),
    ],
  },
  doors: {
    options: { repeats: 2, seconds: 2 },
    figures: [figures(milter, 120)],
    comparisons: [beside(milter, 'no filter', 0.33)],
    policy: [
      { connections: 100, repeat: 1, perSecond: 15_000, perCpuSecond: 14_000 },
      { connections: 100, repeat: 2, perSecond: 17_000, perCpuSecond: 16_000 },
    ],
  },
};

export const emptyRun: SpeedRun = begun;
