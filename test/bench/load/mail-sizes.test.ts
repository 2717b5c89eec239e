import { expect, test } from '@jest/globals';
import { mailSizes } from '../../../bench/load/mail-sizes.ts';

const mean = (sizes: readonly number[]) =>
  sizes.reduce((sum, each) => sum + each, 0) / sizes.length;
const median = (sizes: readonly number[]) =>
  sizes.toSorted((a, b) => a - b)[sizes.length / 2] ?? NaN;

test.each([64, 256, 1024])('%i sizes have the median and the mean that were measured', (count) => {
  const sizes = mailSizes(count);
  expect(Math.abs(median(sizes) / 14_974 - 1)).toBeLessThan(0.1);
  expect(Math.abs(mean(sizes) / 110_626 - 1)).toBeLessThan(0.1);
});

test('they stay within what was seen', () => {
  const sizes = mailSizes(20_000);
  expect(Math.min(...sizes)).toBe(461);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(25_571_748);
  expect(Math.max(...sizes)).toBeGreaterThan(10_000_000);
});

test('each stretch has small ones and large ones', () => {
  const sizes = mailSizes(64);
  for (let at = 0; at + 16 <= sizes.length; at += 16) {
    const small = sizes.slice(at, at + 16).filter((size) => size < 14_974).length;
    expect(small).toBeGreaterThanOrEqual(5);
    expect(small).toBeLessThanOrEqual(11);
  }
});
