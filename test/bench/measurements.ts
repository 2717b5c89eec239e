/** Measurements for tests. */
import type { Cell, Measurement, ProcessName } from '../../bench/report/figures.ts';

export function cell(changes: Partial<Cell>): Cell {
  return { variant: 'clamgate', kind: 'text-4k', sessions: 8, perConnection: 1, ...changes };
}

export function measurement(
  of: Cell,
  seen: {
    readonly repeat: number;
    readonly messages: number;
    readonly seconds: number;
    readonly p50?: number;
    readonly cpu?: Partial<Record<ProcessName, number>>;
  },
): Measurement {
  const { repeat, messages, seconds, p50 = 1, cpu = {} } = seen;
  const processes = Object.fromEntries(
    Object.entries(cpu).map(([name, each]) => [name, { cpu: each, peakBytes: 2 ** 20 }]),
  );
  return { ...of, repeat, messages, seconds, latencyMs: { p50, p95: 2, p99: 3 }, processes };
}
