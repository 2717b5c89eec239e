/** The input that is at work, in memory that two threads see, and whether it has changed. */

const bytesMax = 1024 * 1024;
/** The number of inputs so far, and the length of the last. */
const headInts = 2;

export class Watched {
  readonly #head: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(shared: SharedArrayBuffer) {
    this.#head = new Int32Array(shared, 0, headInts);
    this.#bytes = new Uint8Array(shared, headInts * Int32Array.BYTES_PER_ELEMENT);
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(bytesMax + headInts * Int32Array.BYTES_PER_ELEMENT);
  }

  begins(input: Buffer): void {
    this.#bytes.set(input);
    Atomics.store(this.#head, 1, input.length);
    Atomics.add(this.#head, 0, 1);
  }

  /** Of the input at work. */
  get number(): number {
    return Atomics.load(this.#head, 0);
  }

  get input(): Buffer {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#head, 1)));
  }
}
