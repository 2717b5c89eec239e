import { describe, expect, test } from '@jest/globals';
import { Canceller, type CancelSignal } from '../src/cancel-signal.ts';

interface Made {
  readonly signal: CancelSignal;
  abort(reason: unknown): void;
}

/** What both do alike, so that one can stand for the other. */
describe.each<[string, () => Made]>([
  ['ours', () => new Canceller()],
  ['an AbortSignal', () => new AbortController()],
])('%s', (_, make) => {
  test('calls each listener once, in order, with the first reason there to see', () => {
    const made = make();
    const { signal } = made;
    const called: unknown[] = [];
    const first = (): void => {
      called.push(['first', signal.aborted, signal.reason]);
    };
    signal.addEventListener('abort', first);
    signal.addEventListener('abort', first);
    signal.addEventListener('abort', () => called.push('second'), { once: true });
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
    made.abort('why');
    made.abort('again');
    expect(called).toEqual([['first', true, 'why'], 'second']);
    expect([signal.aborted, signal.reason]).toEqual([true, 'why']);
  });

  test('calls nobody who was removed, be it by an earlier listener, or who came too late', () => {
    const made = make();
    const { signal } = made;
    const called: string[] = [];
    const gone = (): void => {
      called.push('gone');
    };
    const removed = (): void => {
      called.push('removed');
    };
    signal.addEventListener('abort', gone);
    signal.removeEventListener('abort', gone);
    signal.addEventListener('abort', () => {
      signal.removeEventListener('abort', removed);
    });
    signal.addEventListener('abort', removed);
    made.abort('why');
    signal.addEventListener('abort', () => called.push('late'));
    made.abort('again');
    expect(called).toEqual([]);
  });
});

test('a listener that fails keeps no other from being called', () => {
  const canceller = new Canceller();
  const called: string[] = [];
  canceller.signal.addEventListener('abort', () => {
    throw new Error('a fault');
  });
  canceller.signal.addEventListener('abort', () => called.push('next'));
  expect(() => {
    canceller.abort('why');
  }).toThrow('a fault');
  expect(called).toEqual(['next']);
});
