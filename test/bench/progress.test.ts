import { expect, test } from '@jest/globals';
import { Progress } from '../../bench/progress.ts';

test('what is left is as long as what was done, step for step', () => {
  let now = 5000;
  const told: string[] = [];
  const progress = new Progress(
    4,
    (what) => told.push(what),
    () => now,
  );
  now += 30_000;
  progress.done('one');
  now += 50_000;
  progress.done('two');
  expect(told).toEqual(['[1 of 4, 1:30 left] one', '[2 of 4, 1:20 left] two']);
});
