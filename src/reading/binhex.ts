/**
 * BinHex 4.0 (RFC 1741): six bits a letter between two colons, runs shortened, and in that a header,
 * the data fork and the resource fork. What comes out is the data fork.
 */
import type { Decoder } from './decoder.ts';

const alphabet = '!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr';
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const runMark = 0x90;
const notLetter = 255;
/** After the name: version, type, creator, flags, length of the data fork and of the other, CRC. */
const afterName = 1 + 4 + 4 + 2 + 4 + 4 + 2;
const lengthAt = 1 + 4 + 4 + 2;

const letters = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = alphabet.indexOf(String.fromCharCode(byte));
  return value === -1 ? notLetter : value;
});

export class BinHex implements Decoder {
  readonly others = [];
  #bits = 0;
  #bitCount = 0;
  #last = 0;
  #inRun = false;
  #done = false;
  /** Data begins at a colon that begins a line. */
  #begun = false;
  #lineStart = true;
  #sawData = false;
  #header: number[] = [];
  /** Bytes of the data fork that are still to come; unknown in the header. */
  #left: number | undefined;
  #out = Buffer.alloc(0);
  #size = 0;

  decode(chunk: Buffer): Buffer {
    this.#out = Buffer.allocUnsafe(chunk.length);
    this.#size = 0;
    for (const byte of chunk) {
      if (this.#done) break;
      if (!this.#begun) {
        this.#begun = byte === COLON && this.#lineStart;
        this.#lineStart = byte === LF || byte === CR;
        continue;
      }
      const value = letters[byte] ?? notLetter;
      if (byte === COLON) this.#done = this.#sawData;
      else if (value !== notLetter) this.#letter(value);
    }
    return this.#out.subarray(0, this.#size);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #letter(value: number): void {
    this.#sawData = true;
    this.#bits = ((this.#bits << 6) | value) & 0xffff;
    this.#bitCount += 6;
    if (this.#bitCount < 8) return;
    this.#bitCount -= 8;
    this.#packed((this.#bits >> this.#bitCount) & 255);
  }

  /** A run is a byte, the mark and a count; the mark with count zero is the mark itself. */
  #packed(byte: number): void {
    if (this.#inRun) {
      this.#inRun = false;
      if (byte === 0) this.#bytes((this.#last = runMark), 1);
      else this.#bytes(this.#last, byte - 1);
    } else if (byte === runMark) this.#inRun = true;
    else this.#bytes((this.#last = byte), 1);
  }

  /** So many of the same, which may begin in the header. */
  #bytes(byte: number, count: number): void {
    let rest = count;
    for (; rest > 0 && this.#left === undefined; rest--) this.#inHeader(byte);
    const left = this.#left ?? 0;
    const data = Math.min(rest, left);
    if (data > 0) this.#put(byte, data);
    if (this.#left !== undefined) this.#left = left - data;
    if (rest > data) this.#done = true;
  }

  #put(byte: number, count: number): void {
    const size = this.#size + count;
    if (size > this.#out.length) {
      this.#out = Buffer.concat([this.#out], Math.max(size, 2 * this.#out.length));
    }
    if (count === 1) this.#out[this.#size] = byte;
    else this.#out.fill(byte, this.#size, size);
    this.#size = size;
  }

  #inHeader(byte: number): void {
    this.#header.push(byte);
    const nameLength = this.#header[0] ?? 0;
    if (this.#header.length < 1 + nameLength + afterName) return;
    this.#left = Buffer.from(this.#header).readUInt32BE(1 + nameLength + lengthAt);
  }
}
