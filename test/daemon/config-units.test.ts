import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseCount,
  parseDuration,
  parseMilliseconds,
  parseSize,
  showDuration,
  showSize,
} from '../../src/daemon/config-units.ts';

describe('sizes', () => {
  test.each<[unknown, number | undefined]>([
    [0, 0],
    [1024, 1024],
    ['512', 512],
    ['1k', 1024],
    ['1K', 1024],
    ['25M', 26_214_400],
    ['2g', 2_147_483_648],
    ['', undefined],
    ['M', undefined],
    ['25MB', undefined],
    ['2.5M', undefined],
    ['-1', undefined],
    [' 1K', undefined],
    ['99999999999G', undefined],
    [-1, undefined],
    [1.5, undefined],
    [true, undefined],
    [undefined, undefined],
  ])('%j is %j bytes', (value, bytes) => {
    expect(parseSize(value)).toBe(bytes);
  });

  test('what is shown reads back as the same', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 1024, 2 ** 20), (number, unit) => {
        expect(parseSize(showSize(number * unit))).toBe(number * unit);
      }),
    );
  });

  test.each([
    [26_214_400, '25M'],
    [1536, '1536'],
    [2 ** 30, '1G'],
    [0, '0'],
  ])('%d is shown as %s', (bytes, text) => {
    expect(showSize(bytes)).toBe(text);
  });
});

describe('durations', () => {
  test.each<[unknown, number | undefined]>([
    ['500ms', 500],
    ['120s', 120_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['1W', 604_800_000],
    ['120', undefined],
    ['s', undefined],
    ['1y', undefined],
    [120, undefined],
  ])('%j is %j ms', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  test.each<[unknown, number | undefined]>([
    [120, 120],
    ['2s', 2000],
    [-1, undefined],
    [null, undefined],
  ])('where a bare number is milliseconds, %j is %j ms', (value, ms) => {
    expect(parseMilliseconds(value)).toBe(ms);
  });

  test.each([
    [480_000, '480s'],
    [1500, '1500ms'],
    [0, '0ms'],
  ])('%d ms is shown as %s', (ms, text) => {
    expect(showDuration(ms)).toBe(text);
  });
});

test('a count is a whole number, and no text', () => {
  expect([parseCount(7), parseCount('7'), parseCount(7.5), parseCount(-7)]).toEqual([
    7,
    undefined,
    undefined,
    undefined,
  ]);
});
