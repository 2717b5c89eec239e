import { expect, test } from '@jest/globals';
import type { LedgerChange } from '../../src/store/ledger.ts';
import { entry } from './ledgers.ts';
import { MemoryLedger } from './memory-ledger.ts';

const begin = (attempt: string): LedgerChange => ({ kind: 'begin', entries: [entry({ attempt })] });
const attemptsIn = (ledger: MemoryLedger) => ledger.find('4Xy1').map(({ attempt }) => attempt);

test('nothing is durable, seen or answered before the disk has finished', async () => {
  const ledger = new MemoryLedger();
  let answered = false;
  const done = ledger.commit([begin('a')]).then(() => (answered = true));
  ledger.defer([begin('b')]);
  await Promise.resolve();
  expect([answered, attemptsIn(ledger), ledger.waiting]).toEqual([false, [], 1]);
  ledger.flush();
  await done;
  expect(attemptsIn(ledger)).toEqual(['a', 'b']);
});

test('the disk is asked for once for all that waits', () => {
  const finish: (() => void)[] = [];
  const ledger = new MemoryLedger((each) => finish.push(each));
  for (const attempt of ['a', 'b']) void ledger.commit([begin(attempt)]);
  expect(finish).toHaveLength(1);
  finish[0]?.();
  expect(attemptsIn(ledger)).toEqual(['a', 'b']);
  ledger.defer([begin('c')]);
  expect(finish).toHaveLength(2);
});

test.each([
  { kind: 'refused' as const, left: ['a', 'deferred', 'c'] },
  { kind: 'unknown' as const, left: ['a', 'deferred', 'b', 'c'] },
])('the commit that is chosen is $kind', async ({ kind, left }) => {
  const ledger = new MemoryLedger();
  ledger.failAt({ at: 2, kind });
  const a = ledger.commit([begin('a')]);
  ledger.defer([begin('deferred')]);
  const all = Promise.allSettled([a, ledger.commit([begin('b')]), ledger.commit([begin('c')])]);
  ledger.flush();
  const results = await all;
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(results[1]).toMatchObject({ reason: { code: 'STORE' } });
  expect(attemptsIn(ledger)).toEqual(left);
});

test('all commits fail from the chosen one on, when they are to', async () => {
  const ledger = new MemoryLedger();
  ledger.failAt({ at: 1, kind: 'refused', persistent: true });
  const all = Promise.allSettled([ledger.commit([begin('a')]), ledger.commit([begin('b')])]);
  ledger.flush();
  expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test.each([
  [0, ['a']],
  [1, ['a', 'b']],
  [2, ['a', 'b', 'deferred', 'c']],
])(
  'a crash leaves what was durable, and %i commits that nobody heard of',
  async (unheard, left) => {
    const ledger = new MemoryLedger();
    const a = ledger.commit([begin('a'), { kind: 'note', name: 'n', value: 'v' }]);
    ledger.flush();
    await a;
    ledger.scanBegan('d');
    let heard = false;
    void ledger.commit([begin('b')]).then(() => (heard = true));
    ledger.defer([begin('deferred')]);
    void ledger.commit([begin('c')]);
    const next = ledger.crash(unheard);
    expect(attemptsIn(next)).toEqual(left);
    expect([next.note('n'), next.brokenScans('d')]).toEqual(['v', 1]);
    ledger.flush();
    await Promise.resolve();
    expect(heard).toBe(false);
    expect(attemptsIn(next)).toEqual(left);
  },
);
