/**
 * uuencode (POSIX uuencode(1)) and xxencode, line by line: the first letter says how many bytes the
 * line holds, and what stands behind those is left out. So is a line that cannot be data, so that
 * what follows it is not lost. What a line is short of counts as zero bits, since blanks at its end
 * get lost on the way.
 */
import type { Decoder, DecoderName } from './decoder.ts';

const LF = 0x0a;
const CR = 0x0d;
/** 45 bytes in 60 letters are usual, 63 the most. */
const lineBytesMax = 1 + 84;
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
  /** Where the first byte of the line stands that is no letter. */
  #firstOther = Infinity;
  #sawOtherLetters = false;
  #sawData = false;
  #sawOddLine = false;
  #out = Buffer.alloc(0);
  #size = 0;

  constructor(name: 'uuencode' | 'xxencode' = 'uuencode') {
    this.#isXx = name === 'xxencode';
    this.#letters = this.#isXx ? xxLetters : uuLetters;
  }

  get others(): readonly DecoderName[] {
    if (this.#isXx) return [];
    const others: DecoderName[] = this.#sawOtherLetters ? ['xxencode'] : [];
    return this.#sawData && this.#sawOddLine ? [...others, 'uuencode of any lines'] : others;
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
    if (value === notLetter) {
      this.#sawOtherLetters = true;
      this.#firstOther = Math.min(this.#firstOther, this.#length);
    }
    if (this.#length < lineBytesMax) this.#line[this.#length++] = value;
  }

  #endLine(): void {
    const [length, firstOther] = [this.#length, this.#firstOther];
    this.#length = 0;
    this.#firstOther = Infinity;
    if (length === 0) return;
    const bytes = this.#line[0] ?? 0;
    const letters = Math.ceil(bytes / 3) * 4;
    if (firstOther <= letters || length <= letters) this.#sawOddLine = true;
    // Half a line of data, at the least: 'end' and prose in capitals are none.
    if (firstOther <= letters || length <= (bytes * 4) / 6) return;
    this.#sawData ||= bytes > 0;
    this.#decodeLine(bytes, length);
  }

  #decodeLine(bytes: number, length: number): void {
    const value = (at: number): number => (at < length ? (this.#line[at] ?? 0) : 0);
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
