import { expect, test } from '@jest/globals';
import { Claims } from '../../src/engine/claims.ts';
import { Cancelled } from '../../src/errors.ts';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise(setImmediate);

/** Takes a claim and notes when it has it. */
function taking(claims: Claims, keys: string[], signal = never): { release?: () => void } {
  const taken: { release?: () => void } = {};
  void claims.take(keys, signal).then((release) => (taken.release = release));
  return taken;
}

test('whoever shares a key waits; others do not', async () => {
  const claims = new Claims();
  const first = taking(claims, ['a', 'b']);
  const second = taking(claims, ['b', 'c']);
  const third = taking(claims, ['d']);
  await turn();
  expect([first.release, second.release, third.release].map(Boolean)).toEqual([true, false, true]);
  first.release?.();
  await turn();
  expect(second.release).toBeDefined();
  second.release?.();
  third.release?.();
  expect(claims.size).toBe(0);
});

test('nobody holds anything while waiting', async () => {
  const claims = new Claims();
  const first = taking(claims, ['a']);
  await turn();
  taking(claims, ['b', 'a']);
  const third = taking(claims, ['b']);
  await turn();
  expect([first.release, third.release].map(Boolean)).toEqual([true, true]);
});

test('one at a time, however many wait', async () => {
  const claims = new Claims();
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    const release = await claims.take(['a'], never);
    most = Math.max(most, ++inside);
    await turn();
    inside--;
    release();
  };
  await Promise.all(Array.from({ length: 20 }, work));
  expect([most, claims.size]).toEqual([1, 0]);
});

test('who is called off while waiting holds nothing and leaves the others alone', async () => {
  const claims = new Claims();
  const release = await claims.take(['a'], never);
  const cancel = new AbortController();
  const waiting = claims.take(['a', 'b'], cancel.signal);
  cancel.abort(new Cancelled('deadline'));
  await expect(waiting).rejects.toMatchObject({ why: 'deadline' });
  expect(claims.size).toBe(1);
  release();
  expect(claims.size).toBe(0);
});

test('giving a claim back again does not take it from who has it by then', async () => {
  const claims = new Claims();
  const release = await claims.take(['a'], never);
  release();
  await claims.take(['a'], never);
  release();
  expect(claims.size).toBe(1);
});

test('a claim that is free is had even by who was called off before', async () => {
  const claims = new Claims();
  const release = await claims.take([], AbortSignal.abort(new Cancelled('deadline')));
  release();
  expect(claims.size).toBe(0);
});

test('who will not wait has what is free, and nothing of what others hold', async () => {
  const claims = new Claims();
  const release = claims.tryTake(['a', 'b']);
  expect([claims.tryTake(['b', 'c']), claims.size]).toEqual([undefined, 2]);
  const waiting = taking(claims, ['a']);
  await turn();
  expect(waiting.release).toBeUndefined();
  release?.();
  await turn();
  expect(waiting.release).toBeDefined();
});
