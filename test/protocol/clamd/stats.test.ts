import { expect, it } from '@jest/globals';
import { isFull, parseStats } from '../../../src/protocol/clamd/stats.ts';

const stats = (live: number, idle: number, max: number, queued: number): string =>
  `POOLS: 1

STATE: VALID PRIMARY
THREADS: live ${live}  idle ${idle} max ${max} idle-timeout 30
QUEUE: ${queued} items
	STATS 0.000052 

MEMSTATS: heap N/A mmap N/A used N/A free N/A releasable N/A pools 1 pools_used 0.123M pools_total 0.456M
END`;

it.each([
  [stats(1, 0, 12, 0), false],
  [stats(12, 1, 12, 50), false],
  [stats(12, 0, 12, 11), false],
  [stats(12, 0, 12, 12), true],
])('%#: full is %j', (words, full) => {
  const parsed = parseStats(words);
  expect(parsed && isFull(parsed)).toBe(full);
});

it('is read', () => {
  expect(parseStats(stats(3, 2, 12, 7))).toEqual({
    threadsLive: 3,
    threadsIdle: 2,
    threadsMax: 12,
    queued: 7,
  });
});

it.each(['', 'COMMAND UNAVAILABLE', 'THREADS: live 1  idle 0 max 12'])('%j is none', (words) => {
  expect(parseStats(words)).toBeUndefined();
});
