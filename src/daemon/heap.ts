/**
 * How V8 keeps this process' heap. By itself it collects either too often, or lets heap and buffers
 * grow to several times of what was in use; and a collection that one asks for holds the event loop
 * for as long as all of it takes, where those that it begins itself go on beside the work.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By so much of what a collection left, heap and buffers may grow before the next begins. */
const usualPercent = 80;
/**
 * A large message leaves several times its size behind in buffers. At the usual pace a
 * fourth of the processor time that it takes is marking (bench/README.md, "What an attachment costs").
 */
const largePercent = 200;
/** Costs more than half as much again, as collecting goes on nearly always. */
const frugalPercent = 20;
/** Large messages have buffers of their own. Of so many bytes on, memory matters more than time. */
const manyBytes = 16 * 1024 * 1024;

export class HeapGrowth {
  readonly #set: (percent: number) => void;
  #percent = usualPercent;
  #bytes = 0;

  constructor(set: (percent: number) => void) {
    this.#set = set;
    set(usualPercent);
  }

  /** So many bytes of large messages more are under way, or fewer. */
  underWay(bytes: number): void {
    this.#bytes += bytes;
    const percent = percentFor(this.#bytes);
    if (percent === this.#percent) return;
    this.#percent = percent;
    this.#set(percent);
  }
}

function percentFor(bytes: number): number {
  if (bytes === 0) return usualPercent;
  return bytes < manyBytes ? largePercent : frugalPercent;
}

/** V8 has regard to it from the next collection on. */
export function setHeapGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

/**
 * Collects whatever it can, and gives back to the system what that leaves: some 100 ms. V8 has it only
 * for who asks for it by a flag; this way it needs none at the start.
 */
export function shrinkHeap(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  collect({ type: 'major', flavor: 'last-resort' });
}
