import { describe, expect, test } from '@jest/globals';
import { Garbage, type Heap, ownHeap } from '../../src/daemon/garbage.ts';

const MiB = 2 ** 20;

/** A heap of which a part of what comes is garbage, and part of that is found only by collectOld. */
class FakeHeap implements Heap {
  live = 0;
  young = 0;
  old = 0;
  readonly done: string[] = [];
  bufferBytes(): number {
    return this.live + this.young + this.old;
  }
  collectYoung(): void {
    this.young = 0;
    this.done.push('young');
  }
  collectOld(): void {
    this.young = this.old = 0;
    this.done.push('old');
  }
  shrink(): void {
    this.collectOld();
    this.done.push('shrink');
  }
}

/** Moves so many MiB, in pieces of 64 KiB, each of which leaves that. */
function move(garbage: Garbage, mib: number, leave: () => void): void {
  for (let piece = 0; piece < mib * 16; piece++) {
    leave();
    garbage.moved(MiB / 16);
  }
}

describe('garbage of large messages', () => {
  test('stays within bounds, however many there are', () => {
    const heap = new FakeHeap();
    const garbage = new Garbage(heap);
    let most = 0;
    move(garbage, 1000, () => {
      heap.young += MiB / 16;
      most = Math.max(most, heap.bufferBytes());
    });
    expect(most).toBeLessThanOrEqual(12 * MiB);
    expect(heap.done.length).toBeGreaterThan(50);
    expect(heap.done).not.toContain('old');
  });

  test('that has lasted for a while stays within bounds, too, for seldom more', () => {
    const heap = new FakeHeap();
    const garbage = new Garbage(heap);
    let most = 0;
    move(garbage, 1000, () => {
      heap.young += MiB / 32;
      heap.old += MiB / 32;
      most = Math.max(most, heap.bufferBytes());
    });
    expect(most).toBeLessThanOrEqual(32 * MiB);
    const old = heap.done.filter((one) => one === 'old').length;
    expect(old).toBeGreaterThan(10);
    expect(old).toBeLessThan(50);
  });

  test('is not looked for where everything is in use', () => {
    const heap = new FakeHeap();
    const garbage = new Garbage(heap);
    heap.live = 100 * MiB;
    move(garbage, 4, () => undefined);
    expect(heap.done).toEqual(['young', 'old']);
    move(garbage, 1000, () => undefined);
    expect(heap.done).toEqual(['young', 'old']);
  });

  test('is looked for again after what was in use has gone', () => {
    const heap = new FakeHeap();
    const garbage = new Garbage(heap);
    heap.live = 100 * MiB;
    move(garbage, 8, () => undefined);
    heap.live = 0;
    move(garbage, 8, () => undefined);
    heap.done.length = 0;
    heap.young = 9 * MiB;
    move(garbage, 4, () => undefined);
    expect(heap.done).toEqual(['young']);
  });

  test('of the start is given back', () => {
    const heap = new FakeHeap();
    new Garbage(heap).afterStart();
    expect(heap.done).toContain('shrink');
  });
});

test("V8's own heap knows how to collect", () => {
  const heap = ownHeap();
  heap.collectOld();
  const before = heap.bufferBytes();
  for (let made = 0; made < 500; made++) Buffer.allocUnsafeSlow(64 * 1024);
  expect(heap.bufferBytes() - before).toBeGreaterThan(10 * MiB);
  heap.collectYoung();
  heap.shrink();
  expect(heap.bufferBytes() - before).toBeLessThan(4 * MiB);
});
