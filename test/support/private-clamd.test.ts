import { describe, expect, test } from '@jest/globals';
import { untilUp } from './private-clamd.ts';
import { hastyClock } from './run-cli.ts';

/** Up after so many seconds of a clock that takes no time. */
async function waitFor(upAfter: number, seconds: number) {
  const told: number[] = [];
  const clock = hastyClock();
  const start = clock.monotonic();
  const isUp = () => Promise.resolve(clock.monotonic() - start >= upAfter * 1000);
  const loading = (waited: number) => told.push(waited);
  const error = await untilUp(isUp, clock, { seconds, loading }).catch((thrown: unknown) => thrown);
  return { told, error, waited: (clock.monotonic() - start) / 1000 };
}

describe('a clamd that loads its signatures', () => {
  test('is waited for, with a word every ten seconds', async () => {
    expect(await waitFor(35, 600)).toEqual({ told: [10, 20, 30], error: undefined, waited: 35 });
  });

  test('is not waited for longer than was said', async () => {
    const { told, error, waited } = await waitFor(Infinity, 15);
    expect([told, waited]).toEqual([[10], 15]);
    expect(error).toMatchObject({ message: 'clamd does not answer after 15 s' });
  });

  test('is not waited for once it has ended', async () => {
    const isUp = () => Promise.reject(new Error('clamd ended: Malformed database'));
    const waiting = untilUp(isUp, hastyClock(), { seconds: 600, loading: () => undefined });
    await expect(waiting).rejects.toThrow('Malformed database');
  });
});
