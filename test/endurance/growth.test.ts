import { expect, test } from '@jest/globals';
import { growthOf } from './growth.ts';
import type { Usage } from './watch.ts';

const MiB = 1024 * 1024;

function usage(seconds: number, more: Partial<Usage> = {}): Usage {
  return {
    seconds,
    residentBytes: 100 * MiB,
    heapBytes: 20 * MiB,
    descriptors: 30,
    threads: 12,
    spooled: 0,
    atWork: 0,
    ...more,
  };
}

function grown(change: (at: number) => Partial<Usage>): readonly string[] {
  const seen = Array.from({ length: 100 }, (_, at) => usage(at, change(at)));
  return growthOf(seen, 20)
    .filter(({ late, bound }) => late > bound)
    .map(({ what }) => what);
}

test.each<[string, (at: number) => Partial<Usage>, string[]]>([
  ['nothing changes', () => ({}), []],
  ['it grows until it is warm', (at) => ({ residentBytes: Math.min(at, 20) * 5 * MiB }), []],
  ['it goes up and down', (at) => ({ heapBytes: (20 + (at % 7) * 10) * MiB }), []],
  ['one look shows much', (at) => ({ residentBytes: (at === 95 ? 900 : 100) * MiB }), []],
  ['resident memory grows', (at) => ({ residentBytes: (100 + at) * MiB }), ['resident bytes']],
  [
    'what a collection leaves grows',
    (at) => ({ heapBytes: (20 + at / 4 + (at % 7)) * MiB }),
    ['heap bytes'],
  ],
  ['descriptors leak', (at) => ({ descriptors: 30 + at }), ['descriptors']],
  ['threads leak', (at) => ({ threads: 12 + Math.floor(at / 50) }), ['threads']],
])('%s', (_, change, expected) => {
  expect(grown(change)).toEqual(expected);
});

test('too few looks tell nothing', () => {
  expect(() => growthOf([usage(30), usage(31), usage(32)], 20)).toThrow(RangeError);
});
