import { expect, test } from '@jest/globals';
import { type HopPlan, hopCells, hopPairs, hopVariants } from '../../../bench/hop/hop-plan.ts';

const plan: HopPlan = {
  kinds: ['text-4k', 'attachment-10m'],
  sessions: [1, 8, 32],
  perConnection: [1, 100],
  atOnceBytesMax: 100 * 2 ** 20,
};
const cells = hopCells(plan, hopVariants);

test('every way is there once for each load', () => {
  const of = (variant: string) =>
    cells
      .filter((cell) => cell.variant === variant)
      .map(({ kind, sessions, perConnection }) => `${kind} ${sessions} ${perConnection}`);
  expect(of('clamgate')).toEqual([
    ...['text-4k 1 1', 'text-4k 1 100', 'text-4k 8 1', 'text-4k 8 100', 'text-4k 32 1'],
    ...['text-4k 32 100', 'attachment-10m 1 1', 'attachment-10m 1 100'],
    ...['attachment-10m 8 1', 'attachment-10m 8 100'],
  ]);
  expect(of('floor')).toEqual(of('clamgate').slice(0, 6));
  // It hears nothing of connections, and a text is the whole.
  expect(of('clamd')).toEqual([
    ...['text-4k 1 0', 'text-4k 8 0', 'text-4k 32 0', 'attachment-10m 1 0', 'attachment-10m 8 0'],
  ]);
  expect(of('clamd-whole')).toEqual(['attachment-10m 1 0', 'attachment-10m 8 0']);
});

test.each([
  ['newsletter-20k', true],
  ['attachment-100k', true],
  ['attachment-1m', false],
  ['mixed', false],
] as const)('%s goes through the least program: %s', (kind, isThere) => {
  const some = hopCells({ ...plan, kinds: [kind] }, hopVariants);
  expect(some.some(({ variant }) => variant === 'floor')).toBe(isThere);
});

test('what is not on the stage is left out', () => {
  const without = hopCells(plan, ['sink', 'clamgate']);
  expect(new Set(without.map(({ variant }) => variant))).toEqual(new Set(['sink', 'clamgate']));
});

test('pairs are of ways that there are', () => {
  const named = hopPairs.flatMap(([variant, against]) => [variant, against]);
  expect(hopVariants).toEqual(expect.arrayContaining(named));
});
