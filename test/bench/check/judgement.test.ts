import { describe, expect, test } from '@jest/globals';
import { judge, tolerance, withStored } from '../../../bench/check/judgement.ts';
import { spreadOf } from '../../../bench/report/figures.ts';

const stored = { cpu: 'one', time: '2026-01-01T00:00:00Z', ratio: 4 };
const measured = (median: number) => spreadOf([median * 0.5, median, median * 2]);

describe('the judgement', () => {
  test.each([
    [4, 'as before'],
    [4 * tolerance - 0.01, 'as before'],
    [4 * tolerance + 0.01, 'slower'],
    [0.1, 'as before'],
  ])('of %d', (median, verdict) => {
    expect(
      judge(measured(median), [{ ...stored, cpu: 'another', ratio: 100 }, stored], 'one'),
    ).toEqual({
      measured: measured(median),
      stored: 4,
      verdict,
    });
  });

  test('is none where nothing is stored for the processor', () => {
    expect(judge(measured(100), [stored], 'another')).toMatchObject({
      stored: undefined,
      verdict: 'not judged',
    });
  });
});

test('what is stored takes the place of that of the same processor, and of no other', () => {
  const other = { ...stored, cpu: 'another' };
  const again = { ...stored, ratio: 3 };
  expect(withStored([stored, other], again)).toEqual([other, again]);
});
