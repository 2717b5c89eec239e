import { expect, test } from '@jest/globals';
import { Random, seedFor } from './random.ts';

function draw(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 1000 }, () => random.between(1, 6));
}

test('the same seed draws the same, another seed something else', () => {
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

test('all numbers between the ends come, both ends included, and no other', () => {
  expect([...new Set(draw(3))].sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a scenario has a seed of its own', () => {
  expect(seedFor(1, 'a')).toBe(seedFor(1, 'a'));
  expect(new Set([seedFor(1, 'a'), seedFor(1, 'b'), seedFor(2, 'a')]).size).toBe(3);
});
