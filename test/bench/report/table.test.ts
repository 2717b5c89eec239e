import { expect, test } from '@jest/globals';
import { aligned, peak, spread } from '../../../bench/report/table.ts';

test('columns are as wide as their widest cell', () => {
  const rows = [
    ['a', 'long title'],
    ['longer', 'b'],
  ];
  expect(aligned(rows)).toEqual([
    '| a      | long title |',
    '| ------ | ---------- |',
    '| longer | b          |',
  ]);
});

test.each([
  [{ median: 1.23, min: 1, max: 2 }, 1, '1.2 (1.0 to 2.0)'],
  [{ median: 1.23, min: 1.21, max: 1.24 }, 1, '1.2'],
  [undefined, 1, ''],
])('%j in words', (figure, decimals, words) => {
  expect(spread(figure, decimals)).toBe(words);
});

test('a peak is the most there was', () => {
  expect(peak({ median: 2 ** 20, min: 0, max: 3 * 2 ** 20 })).toBe('3');
  expect(peak(undefined)).toBe('');
});
