/**
 * How V8 keeps this process' heap. By itself it collects either too often, or lets heap and buffers
 * grow to several times of what was in use; and a collection that one asks for holds the event loop
 * for as long as all of it takes, where those that it begins itself go on beside the work.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By so much of what a collection left, heap and buffers may grow before the next begins. */
const usualPercent = 80;
/** Costs a third more processor time, as collecting goes on nearly always. */
const frugalPercent = 20;
/** Each large message has buffers of its own. From so many on, memory matters more. */
const manyLarge = 4;

export class HeapGrowth {
  readonly #set: (percent: number) => void;
  #percent = usualPercent;
  #large = 0;

  constructor(set: (percent: number) => void) {
    this.#set = set;
    set(usualPercent);
  }

  /** One more large message is under way, or one less. */
  underWay(change: 1 | -1): void {
    this.#large += change;
    const percent = this.#large < manyLarge ? usualPercent : frugalPercent;
    if (percent === this.#percent) return;
    this.#percent = percent;
    this.#set(percent);
  }
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
