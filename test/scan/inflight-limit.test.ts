import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InflightLimit } from '../../src/scan/inflight-limit.ts';

function grown(limit: InflightLimit, times: number): number {
  for (let i = 0; i < times; i++) limit.grow();
  return limit.value;
}

it('begins with one stream, and has one more after each round that went well', () => {
  const limit = new InflightLimit(8);
  const values = [limit.value];
  for (let round = 1; round < 8; round++) values.push(grown(limit, round + 1));
  expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(grown(limit, 100)).toBe(8);
});

it('is halved at trouble, and never below one', () => {
  const limit = new InflightLimit(8);
  grown(limit, 100);
  limit.cut();
  expect(limit.value).toBe(4);
  for (let i = 0; i < 10; i++) limit.cut();
  expect(limit.value).toBe(1);
});

it('stays where it is while it is held', () => {
  const limit = new InflightLimit(8);
  limit.held = true;
  expect(grown(limit, 100)).toBe(1);
  limit.held = false;
  expect(grown(limit, 100)).toBe(8);
});

it('follows its ceiling down at once, and up by growing', () => {
  const limit = new InflightLimit(8);
  grown(limit, 100);
  limit.ceiling = 3;
  expect(limit.value).toBe(3);
  limit.ceiling = 8;
  expect(limit.value).toBe(3);
  expect(grown(limit, 100)).toBe(8);
});

it('lies between one and its ceiling whatever happens', () => {
  const steps = fc.array(fc.constantFrom('grow', 'cut', 'restart'));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), steps, (ceiling, all) => {
      const limit = new InflightLimit(ceiling);
      for (const step of all) {
        if (step === 'grow') limit.grow();
        else if (step === 'cut') limit.cut();
        else limit.restart();
        expect(limit.value).toBeGreaterThanOrEqual(1);
        expect(limit.value).toBeLessThanOrEqual(ceiling);
      }
    }),
  );
});
