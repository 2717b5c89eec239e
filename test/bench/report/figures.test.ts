import { describe, expect, test } from '@jest/globals';
import { type Measurement, figuresOf, spreadOf } from '../../../bench/report/figures.ts';
import { comparisonsOf } from '../../../bench/report/comparisons.ts';
import { cell, measurement } from '../measurements.ts';

test.each([
  [[3, 1, 2], { median: 2, min: 1, max: 3 }],
  [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
  [[7], { median: 7, min: 7, max: 7 }],
  [[], { median: NaN, min: NaN, max: NaN }],
])('the spread of %j', (values, spread) => {
  expect(spreadOf(values)).toEqual(spread);
});

describe('figures of a cell', () => {
  const own = cell({ variant: 'clamgate' });
  const all: Measurement[] = [
    measurement(own, { repeat: 1, messages: 100, seconds: 2, cpu: { clamgate: 2, clamd: 1 } }),
    measurement(own, { repeat: 2, messages: 300, seconds: 2, cpu: { clamgate: 4, clamd: 1 } }),
    measurement(cell({ variant: 'sink' }), { repeat: 1, messages: 9999, seconds: 1 }),
    measurement({ ...own, sessions: 32 }, { repeat: 1, messages: 9999, seconds: 1 }),
    measurement({ ...own, perConnection: 100 }, { repeat: 1, messages: 9999, seconds: 1 }),
  ];

  test('are of its own measurements alone', () => {
    const figures = figuresOf(own, all);
    expect(figures.messages).toBe(400);
    expect(figures.rate).toEqual({ median: 100, min: 50, max: 150 });
    expect(figures.cpu).toEqual({
      clamgate: { median: 3, min: 2, max: 4 },
      clamd: { median: 1, min: 1, max: 1 },
    });
  });
});

describe('comparisons', () => {
  const own = cell({ variant: 'clamgate' });
  const other = cell({ variant: 'clamd', perConnection: 0 });
  // In the second repeat the machine was half as fast, for both.
  const all = [
    measurement(own, { repeat: 1, messages: 100, seconds: 1, p50: 8, cpu: { clamgate: 3 } }),
    measurement(other, { repeat: 1, messages: 200, seconds: 1, p50: 5 }),
    measurement(own, { repeat: 2, messages: 50, seconds: 1, p50: 16, cpu: { clamgate: 6 } }),
    measurement(other, { repeat: 2, messages: 100, seconds: 1, p50: 10 }),
    measurement(cell({ variant: 'floor' }), {
      repeat: 2,
      messages: 1,
      seconds: 1,
      cpu: { floor: 2 },
    }),
  ];

  test('are of one repeat each', () => {
    const [rate] = comparisonsOf([own], [['clamgate', 'clamd', 'rate']], all);
    expect(rate).toEqual({
      ...own,
      against: 'clamd',
      measure: 'rate',
      value: { median: 0.5, min: 0.5, max: 0.5 },
    });
  });

  test('tell how much longer half of the messages take', () => {
    const [added] = comparisonsOf([own], [['clamgate', 'clamd', 'added p50']], all);
    expect(added?.value).toEqual({ median: 4.5, min: 3, max: 6 });
  });

  test('tell CPU time as a multiple, of what stands between', () => {
    const [cpu] = comparisonsOf([own], [['clamgate', 'floor', 'cpu']], all);
    expect(cpu?.value).toEqual({ median: 3, min: 3, max: 3 });
  });

  test('are none where the other was not measured', () => {
    expect(comparisonsOf([own], [['clamgate', 'clamsmtp', 'rate']], all)).toEqual([]);
  });
});
