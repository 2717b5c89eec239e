/**
 * uuencode (POSIX uuencode(1)) and xxencode, line by line: the first letter says how many bytes the
 * line holds. A line that cannot be data is left out, so that what follows it is not lost. What a
 * line is short of counts as zero bits, since blanks at its end get lost on the way.
 */
import type { Decoder, DecoderName } from './decoder.ts';

const LF = 0x0a;
const CR = 0x0d;
/** 45 bytes in 60 letters are usual, 63 the most; a checksum letter may follow. */
const lineBytesMax = 1 + 84 + 2;
const notLetter = 255;

/** A blank stands for zero, and so does '`'; decoders take the low six bits. */
const uuLetters = tableOf((byte) =>
  byte >= 0x20 && byte <= 0x60 ? (byte - 0x20) & 63 : notLetter,
);
const xxAlphabet = '+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const xxLetters = tableOf((byte) => {
  const value = xxAlphabet.indexOf(String.fromCharCode(byte));
  return value === -1 ? notLetter : value;
});

function tableOf(valueOf: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => valueOf(byte));
}

export class Uuencode implements Decoder {
  readonly #letters: Uint8Array;
  readonly #isXx: boolean;
  /** The values of the line's letters so far. */
  readonly #line = new Uint8Array(lineBytesMax);
  #length = 0;
  /** The line is too long, or holds what is no letter. */
  #isNone = false;
  #sawOtherLetters = false;
  #out = Buffer.alloc(0);
  #size = 0;

  constructor(name: 'uuencode' | 'xxencode' = 'uuencode') {
    this.#isXx = name === 'xxencode';
    this.#letters = this.#isXx ? xxLetters : uuLetters;
  }

  get others(): readonly DecoderName[] {
    return this.#sawOtherLetters && !this.#isXx ? ['xxencode'] : [];
  }

  decode(chunk: Buffer): Buffer {
    // A line is at most twice as short as what it says that it holds.
    this.#out = Buffer.allocUnsafe(2 * (chunk.length + this.#length) + 3);
    this.#size = 0;
    for (const byte of chunk) {
      if (byte === LF || byte === CR) this.#endLine();
      else this.#take(this.#letters[byte] ?? notLetter);
    }
    return this.#out.subarray(0, this.#size);
  }

  end(): Buffer {
    this.#out = Buffer.allocUnsafe(2 * this.#length + 3);
    this.#size = 0;
    this.#endLine();
    return this.#out.subarray(0, this.#size);
  }

  #take(value: number): void {
    if (value === notLetter) this.#isNone = this.#sawOtherLetters = true;
    if (this.#length === lineBytesMax) this.#isNone = true;
    else this.#line[this.#length++] = value;
  }

  #endLine(): void {
    const letters = this.#length - 1;
    const bytes = this.#line[0] ?? 0;
    // Half a line of data, at the least: 'end' and prose in capitals are none.
    if (!this.#isNone && letters >= 0 && letters >= (bytes * 4) / 6) this.#decodeLine(bytes);
    this.#length = 0;
    this.#isNone = false;
  }

  #decodeLine(bytes: number): void {
    const value = (at: number): number => (at < this.#length ? (this.#line[at] ?? 0) : 0);
    for (let at = 1, left = bytes; left > 0; at += 4, left -= 3) {
      const [a, b, c, d] = [value(at), value(at + 1), value(at + 2), value(at + 3)];
      this.#put((a << 2) | (b >> 4));
      if (left > 1) this.#put((b << 4) | (c >> 2));
      if (left > 2) this.#put((c << 6) | d);
    }
  }

  #put(byte: number): void {
    this.#out[this.#size++] = byte;
  }
}
