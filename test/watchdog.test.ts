import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Watchdog } from '../src/watchdog.ts';
import { FakeClock } from './support/fake-clock.ts';

let clock: FakeClock;
let watchdog: Watchdog;
let calls: string[];
const act = (name: string) => () => {
  calls.push(`${name} ${clock.monotonic()}`);
};

beforeEach(() => {
  clock = new FakeClock();
  watchdog = new Watchdog(clock);
  calls = [];
});

describe('goes off once, after the time that was set last', () => {
  test.each<[string, [number, number][]]>([
    ['set once', [[0, 100]]],
    [
      'set later and later',
      [
        [0, 100],
        [50, 100],
        [120, 100],
      ],
    ],
    [
      'set for less',
      [
        [0, 100],
        [10, 20],
      ],
    ],
    [
      'set for less, then for more',
      [
        [0, 100],
        [10, 20],
        [15, 500],
      ],
    ],
    [
      'set when the time is up',
      [
        [0, 100],
        [99, 1],
      ],
    ],
  ])('%s', (_, sets) => {
    const begun = clock.monotonic();
    for (const [at, ms] of sets) {
      clock.advance(begun + at - clock.monotonic());
      watchdog.set(ms, act('act'));
    }
    const [at, ms] = sets.at(-1) ?? [0, 0];
    clock.advance(ms - 1);
    expect(calls).toEqual([]);
    clock.advance(5000);
    expect(calls).toEqual([`act ${begun + at + ms}`]);
  });
});

test('at rest it does not go off, and it can be set again', () => {
  watchdog.set(100, act('first'));
  watchdog.rest();
  clock.advance(1000);
  expect(calls).toEqual([]);
  watchdog.set(10, act('second'));
  clock.advance(1000);
  expect(calls).toHaveLength(1);
});

test('closed it leaves no timer behind', () => {
  watchdog.set(100, act('first'));
  watchdog.close();
  expect(clock.pending).toBe(0);
  watchdog.set(10, act('second'));
  clock.advance(10);
  expect(calls).toHaveLength(1);
});

test('whatever is set in whatever order, it is as with a timer of its own for each', () => {
  const step = fc.tuple(fc.nat(50), fc.option(fc.integer({ min: 1, max: 100 })));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      clock = new FakeClock();
      watchdog = new Watchdog(clock);
      calls = [];
      const expected: string[] = [];
      let own: { cancel(): void } | undefined;
      for (const [wait, ms] of steps) {
        clock.advance(wait);
        own?.cancel();
        if (ms === null) {
          watchdog.rest();
          continue;
        }
        watchdog.set(ms, act('act'));
        own = clock.after(ms, () => expected.push(`act ${clock.monotonic()}`));
      }
      clock.advance(1000);
      expect(calls).toEqual(expected);
    }),
  );
});
