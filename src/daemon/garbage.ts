/**
 * Collects garbage where V8 would wait. What lies outside its heap counts for it only when there are
 * 64 MiB of it, and a socket brings its bytes in a new buffer of up to 64 KiB each: so that much
 * would be there for nothing whenever large messages go through.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MiB = 2 ** 20;

/** After so many bytes of large messages it is looked how much memory all buffers have. */
const lookEveryBytes = 4 * MiB;
/** So much more than was left the last time is worth a collection of a millisecond. */
const youngBytesMax = 8 * MiB;
/** So much more than all collecting has left is worth one of some ten milliseconds. */
const oldBytesMax = 16 * MiB;

/** The heap of this thread. */
export interface Heap {
  /** In all buffers, whether anyone holds them or not. */
  bufferBytes(): number;
  /** Collects what was made lately. */
  collectYoung(): void;
  /** Collects what has lasted for a while, too. */
  collectOld(): void;
  /** Collects whatever it can, and gives back to the system what that leaves. */
  shrink(): void;
}

export class Garbage {
  readonly #heap: Heap;
  #moved = 0;
  /** In buffers when collecting had been thought of last. */
  #left: number;
  /** In buffers at the least, since everything was collected last. */
  #least: number;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#left = this.#least = heap.bufferBytes();
  }

  /** So many bytes of a large message went by. */
  moved(bytes: number): void {
    this.#moved += bytes;
    if (this.#moved < lookEveryBytes) return;
    this.#moved = 0;
    const held = this.#heap.bufferBytes();
    if (held >= this.#left + youngBytesMax) this.#collect();
    else this.#left = Math.min(this.#left, held);
    this.#least = Math.min(this.#least, this.#left);
  }

  /** What the start has left: a third of the heap is of modules that were compiled. */
  afterStart(): void {
    this.#heap.shrink();
    this.#left = this.#least = this.#heap.bufferBytes();
  }

  #collect(): void {
    this.#heap.collectYoung();
    this.#left = this.#heap.bufferBytes();
    if (this.#left < this.#least + oldBytesMax) return;
    this.#heap.collectOld();
    this.#left = this.#least = this.#heap.bufferBytes();
  }
}

type Collect = (options: {
  readonly type: 'minor' | 'major';
  readonly flavor?: 'last-resort';
}) => void;

/** V8 has it only for who asks for it by a flag; this way it needs none at the start. */
export function ownHeap(): Heap {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  return {
    bufferBytes: () => process.memoryUsage().arrayBuffers,
    collectYoung: () => {
      collect({ type: 'minor' });
    },
    collectOld: () => {
      collect({ type: 'major' });
    },
    shrink: () => {
      collect({ type: 'major', flavor: 'last-resort' });
    },
  };
}
