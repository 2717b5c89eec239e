import { describe, expect, test } from '@jest/globals';
import { Pace, slices } from '../../src/scan/pace.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Whether the others had a turn while these bytes were accounted for. */
async function hadTurn(pace: Pace, bytes: number): Promise<boolean> {
  let turn = false;
  const pending = setImmediate(() => (turn = true));
  await pace.spent(bytes);
  clearImmediate(pending);
  return turn;
}

describe('the others have a turn', () => {
  test.each([
    ['after 64 KiB', 16 * 1024, 0, 4],
    ['after 5 ms, however few bytes that were', 10, 2.5, 2],
    ['at once, after what took longer', 10, 60, 1],
  ])('%s', async (_, bytes, ms, due) => {
    const clock = new FakeClock();
    const pace = new Pace(clock);
    for (let round = 0; round < 3; round++) {
      for (let at = 1; at <= due; at++) {
        clock.advance(ms);
        expect(await hadTurn(pace, bytes)).toBe(at === due);
      }
    }
  });
});

test('slices are the chunk, in order', () => {
  const chunk = Buffer.from(Array.from({ length: 10_000 }, (_, at) => at % 251));
  const pieces = [...slices(chunk, 4096)];
  expect(pieces.map(({ length }) => length)).toEqual([4096, 4096, 1808]);
  expect(Buffer.concat(pieces).equals(chunk)).toBe(true);
});
