import { beforeEach, describe, expect, test } from '@jest/globals';
import { Cancelled } from '../src/errors.ts';
import { WaitingLine, type Leave } from '../src/waiting-line.ts';
import { FakeClock } from './support/fake-clock.ts';

describe('WaitingLine', () => {
  const never = new AbortController().signal;
  let clock: FakeClock;
  let line: WaitingLine;

  beforeEach(() => {
    clock = new FakeClock();
    line = new WaitingLine({ places: 2, waiting: 2, waitMs: 1000 }, clock);
  });

  async function fill(): Promise<Leave[]> {
    const leaves = [await line.enter(never), await line.enter(never)];
    return leaves.filter((leave) => leave !== undefined);
  }

  test('places are given at once while there are any', async () => {
    expect(await fill()).toHaveLength(2);
    expect([line.inside, line.waiting]).toEqual([2, 0]);
  });

  test('who waits is admitted first come, first served', async () => {
    const [leave] = await fill();
    const order: string[] = [];
    const first = line.enter(never).then((leaveFirst) => (order.push('first'), leaveFirst));
    const second = line.enter(never).then(() => order.push('second'));
    leave?.();
    (await first)?.();
    await second;
    expect(order).toEqual(['first', 'second']);
  });

  test('one more than the line holds is turned away at once', async () => {
    await fill();
    void line.enter(never);
    void line.enter(never);
    expect(await line.enter(never)).toBeUndefined();
  });

  test('a wait that is too long ends with nothing, and holds no timer', async () => {
    await fill();
    const waiting = line.enter(never);
    clock.advance(1000);
    expect(await waiting).toBeUndefined();
    expect([line.inside, line.waiting, clock.pending]).toEqual([2, 0, 0]);
  });

  test('who is called off leaves the line, and takes no place later', async () => {
    const [leave] = await fill();
    const controller = new AbortController();
    const waiting = line.enter(controller.signal);
    controller.abort(new Cancelled('peer-gone'));
    await expect(waiting).rejects.toEqual(new Cancelled('peer-gone'));
    leave?.();
    expect([line.inside, line.waiting, clock.pending]).toEqual([1, 0, 0]);
    await expect(line.enter(controller.signal)).rejects.toBeInstanceOf(Cancelled);
  });

  test('leaving twice frees one place', async () => {
    const [leave] = await fill();
    leave?.();
    leave?.();
    expect(line.inside).toBe(1);
  });

  test('more places admit who waits', async () => {
    await fill();
    const waiting = line.enter(never);
    line.adjust({ places: 3, waiting: 2, waitMs: 1000 });
    expect(await waiting).toBeDefined();
    expect(line.inside).toBe(3);
  });
});
