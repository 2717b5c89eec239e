import { expect, test } from '@jest/globals';
import {
  type LoadEvidence,
  loadState,
  type LoadState,
  versionOf,
  type Version,
} from '../../../src/cli/update/version.ts';

const date = 'Thu Nov 20 09:00:00 2025';

test.each([
  [`ClamAV 1.4.6/27000/${date}`, { database: 27000, isHollow: false }],
  ['ClamAV 1.4.6', { database: undefined, isHollow: false }],
  ['ClamAV 1.4.6/4294967295/invalid timestam', { database: undefined, isHollow: true }],
  ['ClamAV 1.4.6/', undefined],
  ['220 mail ESMTP', undefined],
  ['', undefined],
])('%s', (words, expected) => {
  const version = versionOf(words);
  if (expected) expect(version).toMatchObject({ words, ...expected });
  else expect(version).toBeUndefined();
});

const of = (number: number): Version => {
  const version = versionOf(`ClamAV 1.4.6/${number}/${date}`);
  if (!version) throw new Error('not a version');
  return version;
};
const hollow = of(4_294_967_295);

const base: LoadEvidence = {
  before: of(100),
  now: of(100),
  expected: 100,
  way: 'concurrent',
  log: 'unreadable',
  sinceMs: 0,
};
const bounds = { settleMs: 1000, unseenMs: 60_000 };

test.each<[string, Partial<LoadEvidence>, LoadState]>([
  ['nothing is seen yet', {}, 'loading'],
  ['its number moved', { now: of(101), expected: 101 }, 'loaded'],
  [
    'to another than is in its directory, which has moved on',
    { now: of(101), expected: 102 },
    'loaded',
  ],
  [
    'it was away before, and has what is there',
    { before: undefined, sinceMs: 60_000 },
    'loaded-unseen',
  ],
  ['no answer', { now: undefined, sinceMs: 600_000 }, 'loading'],
  ['no answer, although the log is glad', { now: undefined, log: 'loaded' }, 'loading'],
  ['the log says so', { log: 'loaded' }, 'loaded'],
  ['the log says so before it is so', { log: 'loaded', expected: 101 }, 'loading'],
  [
    'the log says so, for long, and it never was so',
    { log: 'loaded', expected: 101, sinceMs: 60_000 },
    'loaded',
  ],
  ['the log says so, and it is so', { log: 'loaded', now: of(101), expected: 101 }, 'loaded'],
  ['the log says no', { log: 'failed' }, 'failed'],
  ['the log says no, and it does not answer', { log: 'failed', now: undefined }, 'failed'],
  ['the log says that it has begun', { log: 'loading', sinceMs: 600_000 }, 'loading'],
  ['the log is not the one it writes', { log: 'nothing', sinceMs: 59_999 }, 'loading'],
  ['for long', { log: 'nothing', sinceMs: 60_000 }, 'loaded-unseen'],
  ['another number is expected, for ever', { expected: 101, sinceMs: 600_000 }, 'loading'],
  ['nothing tells', { sinceMs: 59_999 }, 'loading'],
  ['nothing tells for long', { sinceMs: 60_000 }, 'loaded-unseen'],
  ['a blocking one answers at once: overtaken', { way: 'blocking', sinceMs: 999 }, 'loading'],
  ['a blocking one answers later', { way: 'blocking', sinceMs: 1000 }, 'loaded'],
  ['but its log does not agree', { way: 'blocking', sinceMs: 1000, log: 'loading' }, 'loading'],
  ['nor does a log that is silent', { way: 'blocking', sinceMs: 1000, log: 'nothing' }, 'loading'],
  ['one elsewhere', { way: 'unknown', expected: undefined, sinceMs: 1000 }, 'loading'],
  [
    'one elsewhere, for long',
    { way: 'unknown', expected: undefined, sinceMs: 60_000 },
    'loaded-unseen',
  ],
  ['restarted, it answers', { way: 'restart', expected: 101 }, 'loaded'],
  ['restarted, it does not', { way: 'restart', now: undefined }, 'loading'],
  ['it has lost its signatures', { now: hollow }, 'failed'],
  ['restarted into the same', { way: 'restart', now: hollow }, 'failed'],
])('%s', (_, change, expected) => {
  expect(loadState({ ...base, ...change }, bounds)).toBe(expected);
});
