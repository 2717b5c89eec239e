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

  decode(chunk: Buffer): Buffer {
    const decoded: number[] = [];
    for (const byte of chunk) {
      if (this.#done) break;
      if (!this.#begun) {
        this.#begun = byte === COLON && this.#lineStart;
        this.#lineStart = byte === LF || byte === CR;
        continue;
      }
      const value = letters[byte] ?? notLetter;
      if (byte === COLON) this.#done = this.#sawData;
      else if (value !== notLetter) this.#letter(value, decoded);
    }
    return Buffer.from(decoded);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #letter(value: number, decoded: number[]): void {
    this.#sawData = true;
    this.#bits = ((this.#bits << 6) | value) & 0xffff;
    this.#bitCount += 6;
    if (this.#bitCount < 8) return;
    this.#bitCount -= 8;
    this.#packed((this.#bits >> this.#bitCount) & 255, decoded);
  }

  /** A run is a byte, the mark and a count; the mark with count zero is the mark itself. */
  #packed(byte: number, decoded: number[]): void {
    if (this.#inRun) {
      this.#inRun = false;
      if (byte === 0) this.#byte((this.#last = runMark), decoded);
      else for (let count = 1; count < byte; count++) this.#byte(this.#last, decoded);
    } else if (byte === runMark) this.#inRun = true;
    else this.#byte((this.#last = byte), decoded);
  }

  #byte(byte: number, decoded: number[]): void {
    if (this.#left === undefined) this.#inHeader(byte);
    else if (this.#left > 0) {
      decoded.push(byte);
      this.#left--;
    } else this.#done = true;
  }

  #inHeader(byte: number): void {
    this.#header.push(byte);
    const nameLength = this.#header[0] ?? 0;
    if (this.#header.length < 1 + nameLength + afterName) return;
    this.#left = Buffer.from(this.#header).readUInt32BE(1 + nameLength + lengthAt);
  }
}
