/**
 * Texts in character sets whose bytes are not ASCII's, as UTF-8: UTF-7 (RFC 2152), UTF-16, UTF-32
 * (RFC 2781, Unicode) and IBM's EBCDIC code pages.
 */
import type { CharsetName, Decoder, EbcdicName, ShiftedName } from './decoder.ts';

/** Takes code units of a fixed width, and gives their text without the byte order mark. */
export class WideText implements Decoder {
  readonly others = [];
  readonly #width: 2 | 4;
  readonly #little: boolean;
  #held = Buffer.alloc(0);
  /** A first half of a surrogate pair, which waits for the second. */
  #high = '';
  #started = false;

  constructor(name: Exclude<CharsetName, 'utf-7' | EbcdicName | ShiftedName>) {
    this.#width = name.startsWith('utf-16') ? 2 : 4;
    this.#little = name.endsWith('le');
  }

  decode(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#held, chunk]);
    const whole = bytes.length - (bytes.length % this.#width);
    this.#held = Buffer.from(bytes.subarray(whole));
    const units: string[] = [];
    for (let at = 0; at < whole; at += this.#width) units.push(this.#unit(bytes, at));
    return this.#text(units.join(''));
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #unit(bytes: Buffer, at: number): string {
    if (this.#width === 2) {
      return String.fromCharCode(this.#little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
    }
    const point = this.#little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    return point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point);
  }

  #text(units: string): Buffer {
    let text = this.#high + units;
    if (!this.#started && text.startsWith('\ufeff')) text = text.slice(1);
    this.#started ||= units.length > 0;
    const last = text.charCodeAt(text.length - 1);
    this.#high = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return Buffer.from(this.#high === '' ? text : text.slice(0, -1), 'utf8');
  }
}

const PLUS = 0x2b;
const MINUS = 0x2d;
const base64Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export class Utf7 implements Decoder {
  readonly others = [];
  /** Whether it is between '+' and what ends it, and nothing has come since. */
  #shifted = false;
  #empty = false;
  #bits = 0;
  #bitCount = 0;
  #high = '';

  decode(chunk: Buffer): Buffer {
    let text = '';
    for (const byte of chunk) text += this.#shifted ? this.#inShift(byte) : this.#direct(byte);
    text = this.#high + text;
    const last = text.charCodeAt(text.length - 1);
    this.#high = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return Buffer.from(this.#high === '' ? text : text.slice(0, -1), 'utf8');
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #direct(byte: number): string {
    if (byte !== PLUS) return String.fromCharCode(byte);
    this.#shifted = this.#empty = true;
    this.#bits = this.#bitCount = 0;
    return '';
  }

  #inShift(byte: number): string {
    const value = base64Letters.indexOf(String.fromCharCode(byte));
    const empty = this.#empty;
    this.#empty = false;
    if (value === -1) {
      this.#shifted = false;
      if (byte === MINUS) return empty ? '+' : '';
      return this.#direct(byte);
    }
    this.#bits = ((this.#bits << 6) | value) & 0x3fffff;
    this.#bitCount += 6;
    if (this.#bitCount < 16) return '';
    this.#bitCount -= 16;
    return String.fromCharCode((this.#bits >> this.#bitCount) & 0xffff);
  }
}

/** What the code pages agree about, from the first byte of each run on; other bytes are left out. */
const ebcdicRuns: readonly (readonly [number, string])[] = [
  [0x05, '\t'],
  [0x0d, '\r'],
  [0x15, '\n'],
  [0x25, '\n'],
  [0x40, ' '],
  [0x4b, '.<(+'],
  [0x50, '&'],
  [0x5b, '$*);'],
  [0x60, '-/'],
  [0x6b, ',%_>?'],
  [0x79, '`:#@\'="'],
  [0x81, 'abcdefghi'],
  [0x91, 'jklmnopqr'],
  [0xa1, '~stuvwxyz'],
  [0xc0, '{ABCDEFGHI'],
  [0xd0, '}JKLMNOPQR'],
  [0xe0, '\\'],
  [0xe2, 'STUVWXYZ'],
  [0xf0, '0123456789'],
];

/** What they differ in. */
const ebcdicOwn: Readonly<Record<EbcdicName, readonly (readonly [number, string])[]>> = {
  cp037: [
    [0x4f, '|'],
    [0x5a, '!'],
    [0xb0, '^'],
    [0xba, '[]'],
  ],
  cp500: [
    [0x4a, '['],
    [0x4f, '!'],
    [0x5a, ']'],
    [0x5f, '^'],
    [0xbb, '|'],
  ],
  cp1047: [
    [0x4f, '|'],
    [0x5a, '!'],
    [0x5f, '^'],
    [0xad, '['],
    [0xbd, ']'],
  ],
};

export class Ebcdic implements Decoder {
  readonly others = [];
  readonly #letters = new Uint8Array(256);

  constructor(name: EbcdicName) {
    for (const [from, text] of [...ebcdicRuns, ...ebcdicOwn[name]]) {
      Buffer.from(text, 'latin1').forEach((letter, i) => (this.#letters[from + i] = letter));
    }
  }

  decode(chunk: Buffer): Buffer {
    return Buffer.from(
      chunk.map((byte) => this.#letters[byte] ?? 0).filter((letter) => letter > 0),
    );
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }
}
