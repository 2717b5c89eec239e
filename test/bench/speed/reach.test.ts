import { describe, expect, test } from '@jest/globals';
import type { Kind } from '../../../bench/load/content.ts';
import { type Comparison, comparisonsOf } from '../../../bench/report/comparisons.ts';
import { spreadOf } from '../../../bench/report/figures.ts';
import { goals, reachOf } from '../../../bench/speed/reach.ts';
import type { Speed } from '../../../bench/speed/speed.ts';
import { cell, measurement } from '../measurements.ts';

const comparison = (changes: Partial<Comparison>): Comparison => ({
  ...cell({}),
  against: 'clamd',
  measure: 'rate',
  value: spreadOf([1]),
  ...changes,
});

const hop = (...comparisons: Comparison[]): Speed => ({
  hop: {
    options: { repeats: 1, seconds: 1, signatures: 1, steadySeconds: 1, standIn: false },
    figures: [],
    comparisons,
  },
});

const rowOf = (speed: Speed, what: RegExp) => {
  const row = reachOf(speed).find(({ goal }) => what.test(goal.what));
  return [row?.came?.median, row?.reached];
};

test('without any part nothing is measured, and every row says so', () => {
  const rows = reachOf({});
  expect(rows).toHaveLength(goals.length);
  for (const { came, reached } of rows)
    expect([came, reached]).toEqual([undefined, 'not measured']);
});

const hopRows: [RegExp, Kind, string, number][] = [
  [/of amavisd-new/, 'text-4k', 'amavisd-new', 6],
  [/of clamsmtp/, 'text-4k', 'clamsmtp', 5],
  [/^4 KiB text/, 'text-4k', 'clamd', 0.5],
  [/^100 KiB.*same streams/, 'attachment-100k', 'clamd', 0.85],
  [/^100 KiB.*whole only/, 'attachment-100k', 'clamd-whole', 0.65],
  [/^1 MiB.*same streams/, 'attachment-1m', 'clamd', 0.85],
  [/^1 MiB.*whole only/, 'attachment-1m', 'clamd-whole', 0.65],
];

test('beside a stand-in for clamd nothing is measured of what is asked beside clamd', () => {
  const { hop: measured } = hop(comparison({ kind: 'text-4k' }));
  const row = (standIn: boolean) =>
    rowOf(
      measured ? { hop: { ...measured, options: { ...measured.options, standIn } } } : {},
      /^4 KiB text/,
    );
  expect(row(false)).toEqual([1, 'yes']);
  expect(row(true)).toEqual([undefined, 'not measured']);
});

describe.each(hopRows)('%s', (what, kind, against, asked) => {
  test('is held against its own comparison, by the median', () => {
    const value = { median: asked, min: 0, max: 100 };
    expect(rowOf(hop(comparison({ kind, against, value })), what)).toEqual([asked, 'yes']);
    const less = { ...value, median: asked - 0.01 };
    expect(rowOf(hop(comparison({ kind, against, value: less })), what)[1]).toBe('no');
  });

  test('takes none of other loads, ways and measures', () => {
    const others = [
      comparison({ kind: 'mixed', against }),
      comparison({ kind, against, sessions: 1 }),
      comparison({ kind, against: 'sink' }),
      comparison({ kind, against, variant: 'clamsmtp' }),
      comparison({ kind, against, measure: 'cpu' }),
    ];
    expect(rowOf(hop(...others), what)[1]).toBe('not measured');
  });
});

test('with several numbers of messages on a connection it is that with the most connections', () => {
  const [many, few] = [1, 100].map((perConnection) =>
    comparison({ perConnection, value: spreadOf([perConnection / 1000]) }),
  );
  if (!many || !few) throw new Error('two');
  expect(rowOf(hop(few, many), /^4 KiB text/)).toEqual([0.001, 'no']);
});

test('latency is what is added to that of clamd, at one session', () => {
  const own = cell({ sessions: 1 });
  const measurements = [
    measurement(own, { repeat: 1, messages: 1, seconds: 1, p50: 4.5 }),
    measurement(
      { ...own, variant: 'clamd', perConnection: 0 },
      { repeat: 1, messages: 1, seconds: 1, p50: 1.2 },
    ),
  ];
  const comparisons = comparisonsOf([own], [['clamgate', 'clamd', 'added p50']], measurements);
  expect(rowOf(hop(...comparisons), /added latency/)).toEqual([expect.closeTo(3.3), 'no']);
});

test('after the queue is beside the same Postfix', () => {
  const doors = {
    ...{ options: { repeats: 1, seconds: 1 }, figures: [], policy: [] },
    comparisons: [
      comparison({ variant: 'clamgate, Milter', against: 'no filter', value: spreadOf([0.2]) }),
      comparison({
        variant: 'clamgate, after the queue',
        against: 'no filter',
        value: spreadOf([0.8]),
      }),
    ],
  };
  expect(rowOf({ doors }, /after the queue/)).toEqual([0.8, 'yes']);
});

describe('the footprint', () => {
  const peak = { sessions: 32, bytes: 10 * 2 ** 20, peakBytes: 151e6, seconds: 9 };
  const footprint = {
    starts: [700, 900, 750].map((ms) => ({ ms, cpuMs: 500 })),
    idle: { bytes: 99e6, cpuShare: 0.0021 },
    peaks: [{ ...peak, sessions: 4, peakBytes: 1e6 }, peak],
  };

  test.each([
    [/peak resident/, 151, 'no'],
    [/idle: resident/, 99, 'yes'],
    [/idle: CPU/, 0.21, 'no'],
    [/start to listening/, 0.75, 'yes'],
  ])('%s', (what, came, reached) => {
    expect(rowOf({ footprint }, what)).toEqual([expect.closeTo(came), reached]);
  });

  test('of fewer sessions is not what is asked', () => {
    const peaks = [{ ...peak, sessions: 4 }];
    expect(rowOf({ footprint: { ...footprint, peaks } }, /peak resident/)[1]).toBe('not measured');
  });
});

describe('growth', () => {
  const growth = (ratio: number) => ({
    small: spreadOf([1]),
    grown: spreadOf([ratio]),
    ratio: spreadOf([ratio]),
  });
  const of = (entries: number, messages: number): Speed => ({
    growth: {
      ledger: { entries, growth: growth(1.05) },
      session: { messages, growth: growth(1.2) },
    },
  });

  test('is flat within a tenth', () => {
    expect(rowOf(of(1_000_000, 10_000), /ledger of/)).toEqual([1.05, 'yes']);
    expect(rowOf(of(1_000_000, 10_000), /session of/)).toEqual([1.2, 'no']);
  });

  test('to less than is asked for is not measured', () => {
    expect(rowOf(of(10_000, 1000), /ledger of/)[1]).toBe('not measured');
    expect(rowOf(of(10_000, 1000), /session of/)[1]).toBe('not measured');
  });
});
