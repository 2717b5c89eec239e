import { describe, expect, test } from '@jest/globals';
import { Cancelled } from '../../src/errors.ts';
import { type RoomKind, ScanRooms } from '../../src/scan/scan-rooms.ts';
import { FakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;
const turn = (): Promise<unknown> => new Promise(setImmediate);

describe('rooms', () => {
  test.each<[RoomKind, number]>([
    ['whole', 4],
    ['apart', 2],
    ['small-apart', 8],
  ])('%s: there are %d where clamd works on 4 streams', async (kind, places) => {
    const clock = new FakeClock();
    const rooms = new ScanRooms(4, clock);
    const order: number[] = [];
    const entered = Array.from({ length: places + 2 }, async (_, index) => {
      const leave = await rooms.enter(kind, never);
      order.push(index);
      return leave;
    });
    await turn();
    expect(rooms.load(kind)).toEqual({ inside: places, waiting: 2 });
    (await entered[0])?.();
    (await entered[1])?.();
    await Promise.all(entered);
    expect(order).toEqual(Array.from({ length: places + 2 }, (_, index) => index));
    // However long it takes: who waits is called off by its signal alone.
    expect(clock.pending).toBe(0);
  });

  test('one room at least is for each, even with one place at clamd', async () => {
    const rooms = new ScanRooms(1, new FakeClock());
    await Promise.all([rooms.enter('whole', never), rooms.enter('apart', never)]);
    expect(rooms.load('apart')).toEqual({ inside: 1, waiting: 0 });
  });

  test.each(['before', 'while it waits', 'as it is let in'])(
    'who is called off %s has none',
    async (moment) => {
      const rooms = new ScanRooms(1, new FakeClock());
      const leave = await rooms.enter('whole', never);
      const control = new AbortController();
      const cause = new Cancelled('deadline');
      if (moment === 'before') control.abort(cause);
      const waiting = rooms.enter('whole', control.signal);
      if (moment === 'as it is let in') leave();
      control.abort(cause);
      await expect(waiting).rejects.toEqual(cause);
      leave();
      expect(rooms.load('whole')).toEqual({ inside: 0, waiting: 0 });
    },
  );
});
