import { expect, test } from '@jest/globals';
import {
  judge,
  type Judgement,
  judgementText,
  shortageAdvice,
  type Way,
} from '../../../src/cli/update/memory.ts';

const MiB = 2 ** 20;

test.each<[string, Way, number, number | undefined, Judgement['kind'], string]>([
  ['just fits', 'concurrent', 1256, undefined, 'fits', 'needs 1256M more, 1256M are available'],
  ['one too few', 'concurrent', 1255, undefined, 'short', 'needs 1256M more, and only 1255M are'],
  ['a blocking one', 'blocking', 0, 0, 'fits', 'needs no more memory than now, 0M are available'],
  ['a restart', 'restart', 0, 0, 'fits', 'needs no more memory than now, 0M are available'],
  ['a trial', 'trial', 1255, undefined, 'short', 'needs 1256M more, and only 1255M are available'],
  ['a trial is in no group of clamd', 'trial', 1256, 0, 'fits', 'needs 1256M more'],
  [
    'the group is full',
    'concurrent',
    9000,
    999,
    'short',
    '999M are available to its control group',
  ],
  ['the group has room', 'concurrent', 9000, 1000, 'fits', 'needs 1256M more'],
])('%s', (_, way, available, group, kind, words) => {
  const room = {
    availableBytes: available * MiB,
    ...(group !== undefined && { groupBytes: group * MiB }),
  };
  const judgement = judge(way, 1000 * MiB, room, 256 * MiB);
  expect(judgement.kind).toBe(kind);
  expect(judgementText(judgement)).toContain(words);
});

const largest = [
  { pid: 7, name: 'clamd', residentBytes: 1680 * MiB },
  { pid: 8, name: 'mysqld', residentBytes: 400 * MiB },
];

test('where memory is short, it is said what to set, what to restart, and who has it', () => {
  const judgement = judge('concurrent', 1000 * MiB, { availableBytes: 0 }, 0);
  const facts = { endpoint: 'unix:/a', confFile: '/etc/a.conf', judgement, largest };
  const advice = shortageAdvice(facts);
  expect(advice).toEqual([
    expect.stringContaining('set "ConcurrentDatabaseReload no" in /etc/a.conf'),
    expect.stringContaining('[update] restart = { "unix:/a" = "UNIT" }'),
    'or free memory; the largest processes are clamd (7) 1680M, mysqld (8) 400M',
  ]);
  expect(shortageAdvice({ ...facts, confFile: undefined })[0]).toContain('in its clamd.conf');
});

test('where its control group is short, freeing memory would not help', () => {
  const room = { availableBytes: 9000 * MiB, groupBytes: 0 };
  const judgement = judge('concurrent', 1000 * MiB, room, 0);
  const facts = { endpoint: 'unix:/a', confFile: undefined, judgement, largest };
  expect(shortageAdvice(facts).at(-1)).toContain('MemoryMax=');
});
