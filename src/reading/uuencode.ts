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
  #line: number[] = [];
  #tooLong = false;
  #sawOtherLetters = false;

  constructor(name: 'uuencode' | 'xxencode' = 'uuencode') {
    this.#isXx = name === 'xxencode';
    this.#letters = this.#isXx ? xxLetters : uuLetters;
  }

  get others(): readonly DecoderName[] {
    return this.#sawOtherLetters && !this.#isXx ? ['xxencode'] : [];
  }

  decode(chunk: Buffer): Buffer {
    const decoded: number[] = [];
    for (const byte of chunk) {
      if (byte === LF || byte === CR) this.#endLine(decoded);
      else if (this.#line.length < lineBytesMax) this.#line.push(byte);
      else this.#tooLong = true;
    }
    return Buffer.from(decoded);
  }

  end(): Buffer {
    const decoded: number[] = [];
    this.#endLine(decoded);
    return Buffer.from(decoded);
  }

  #endLine(decoded: number[]): void {
    const line = this.#line;
    const tooLong = this.#tooLong;
    this.#line = [];
    this.#tooLong = false;
    const [first] = line;
    if (tooLong || first === undefined) return;
    const values = line.map((byte) => this.#letters[byte] ?? notLetter);
    if (values.includes(notLetter)) {
      this.#sawOtherLetters = true;
      return;
    }
    const bytes = values[0] ?? 0;
    // Half a line of data, at the least: 'end' and prose in capitals are none.
    if (values.length - 1 < (bytes * 4) / 6) return;
    decodeLine(values, bytes, decoded);
  }
}

function decodeLine(values: readonly number[], bytes: number, decoded: number[]): void {
  for (let at = 1, left = bytes; left > 0; at += 4, left -= 3) {
    const [a = 0, b = 0, c = 0, d = 0] = values.slice(at, at + 4);
    const three = [(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d];
    for (const byte of three.slice(0, left)) decoded.push(byte & 255);
  }
}
