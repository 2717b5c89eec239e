/**
 * uuencode as Camel (Evolution) takes it: the first byte of any line says how many bytes follow,
 * and what is there of them goes on in the next line, whatever bytes it is of.
 */
import type { Decoder } from './decoder.ts';

const LF = 0x0a;
const CR = 0x0d;

export class FlowingUuencode implements Decoder {
  readonly others = [];
  #atLineStart = true;
  #afterCr = false;
  /** Bytes that the line still holds. */
  #left = 0;
  #done = false;
  #bits = 0;
  #count = 0;
  #out = Buffer.alloc(0);
  #size = 0;

  decode(chunk: Buffer): Buffer {
    this.#out = Buffer.allocUnsafe(chunk.length + 3);
    this.#size = 0;
    for (const byte of chunk) {
      if (this.#afterCr && byte !== LF) this.#take(CR);
      this.#afterCr = byte === CR;
      if (!this.#afterCr) this.#take(byte);
    }
    return this.#out.subarray(0, this.#size);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #take(byte: number): void {
    if (this.#done) return;
    const value = (byte - 0x20) & 63;
    if (byte === LF) this.#atLineStart = true;
    else if (this.#atLineStart) {
      this.#atLineStart = false;
      this.#left = value;
      this.#done = value === 0;
    } else if (this.#left > 0) this.#letter(value);
  }

  #letter(value: number): void {
    this.#bits = ((this.#bits << 6) | value) & 0xffffff;
    if (++this.#count < 4) return;
    this.#count = 0;
    for (const shift of [16, 8, 0].slice(0, this.#left)) {
      this.#out[this.#size++] = this.#bits >> shift;
    }
    this.#left = Math.max(0, this.#left - 3);
  }
}
