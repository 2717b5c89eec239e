import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { HeapGrowth } from '../../src/daemon/heap.ts';

const MiB = 2 ** 20;
const heap = join(import.meta.dirname, '../../src/daemon/heap.ts');

/** In a process of its own: the flags are the whole process'. */
function inProcess(code: string): unknown {
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', code]);
  return JSON.parse(said.toString());
}

/** The most bytes of heap that it takes to replace many objects, of which 200,000 are in use. */
function mostHeap(prepare: string): number {
  return inProcess(`
    import { setHeapGrowth } from ${JSON.stringify(heap)};
    import { setImmediate as turn } from 'node:timers/promises';
    ${prepare}
    const inUse = 200_000;
    const ring = [];
    let most = 0;
    for (let at = 0; at < 20 * inUse; at++) {
      ring[at % inUse] = { each: at, more: [at] };
      if (at % 1000 !== 0) continue;
      // V8 marks in tasks of its own.
      await turn();
      if (at > 10 * inUse) most = Math.max(most, process.memoryUsage().heapUsed);
    }
    console.log(most);
  `) as number;
}

test('what has become garbage is collected much sooner', () => {
  expect(mostHeap('setHeapGrowth(30)')).toBeLessThan(mostHeap('setHeapGrowth(0)') * 0.7);
});

test('what was garbage at the start is gone', () => {
  const [before, after] = inProcess(`
    import { shrinkHeap } from ${JSON.stringify(heap)};
    let garbage = Array.from({ length: 100_000 }, (_, each) => ({ each }));
    const used = () => process.memoryUsage().heapUsed;
    const before = used();
    garbage = undefined;
    shrinkHeap();
    console.log(JSON.stringify([before, used()]));
  `) as [number, number];
  expect(before - after).toBeGreaterThan(4_000_000);
});

test.each([
  ['none', [], [80]],
  ['a large one', [1], [80, 200]],
  ['that is over', [1, -1], [80, 200, 80]],
  ['just not many', [8 * MiB, 8 * MiB - 1], [80, 200]],
  ['many', [8 * MiB, 8 * MiB, 1], [80, 200, 20]],
  ['many no longer', [16 * MiB, 1, -2, -16 * MiB + 1], [80, 20, 200, 80]],
])(
  'V8 has time for large messages, and saves memory when they are many: %s',
  (_, changes, said) => {
    const told: number[] = [];
    const growth = new HeapGrowth((percent) => told.push(percent));
    for (const bytes of changes) growth.underWay(bytes);
    expect(told).toEqual(said);
  },
);
