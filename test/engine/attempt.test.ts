import { beforeEach, describe, expect, test } from '@jest/globals';
import { Attempt } from '../../src/engine/attempt.ts';

describe('Attempt', () => {
  let attempt: Attempt;
  let prepared: string[];
  /** What making it durable comes to. */
  let durable: () => Promise<undefined>;

  beforeEach(() => {
    attempt = new Attempt('a1', 'a1.clamgate.example.org');
    prepared = [];
    durable = () => Promise.resolve(undefined);
  });

  function open(): void {
    attempt.open((queueId) => {
      prepared.push(queueId);
      return durable();
    });
  }

  test('before the relay begins, and after it has ended, a question is stale', async () => {
    expect(await attempt.asked('Q1')).toBe('stale');
    open();
    attempt.end();
    expect(await attempt.asked('Q1')).toBe('stale');
    expect([prepared, attempt.allowed]).toEqual([[], false]);
  });

  test('go, once it is durable; asked again about the same file: go again, and nothing written', async () => {
    open();
    expect(await attempt.asked('Q1')).toBe('go');
    expect(await attempt.asked('Q1')).toBe('go');
    expect([prepared, attempt.allowed, attempt.queueId]).toEqual([['Q1'], true, 'Q1']);
  });

  test('another queue file is stale, also while the first is being written down', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    durable = () => promise;
    open();
    const first = attempt.asked('Q1');
    expect(await attempt.asked('Q2')).toBe('stale');
    resolve(undefined);
    expect([await first, prepared]).toEqual(['go', ['Q1']]);
  });

  test('not go when it could not be made durable, then or later', async () => {
    durable = () => Promise.reject(new Error('disk full'));
    open();
    expect(await attempt.asked('Q1')).toBe('stale');
    durable = () => Promise.resolve(undefined);
    expect(await attempt.asked('Q1')).toBe('stale');
    expect([attempt.allowed, attempt.failure]).toEqual([false, new Error('disk full')]);
  });

  test('an attempt that ends while it is made durable is not allowed to commit', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    durable = () => promise;
    open();
    const asked = attempt.asked('Q1');
    attempt.end();
    resolve(undefined);
    expect([await asked, attempt.allowed]).toEqual(['stale', false]);
  });
});
