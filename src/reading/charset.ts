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

  constructor(
    name: Exclude<CharsetName, 'utf-7' | 'backslash escapes' | EbcdicName | ShiftedName>,
  ) {
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

/** What they differ in, as glibc's iconv and Java have it: these letters, and where each is. */
const ebcdicDiffering = '!"#$@[\\]^`{|}~';
const ebcdicOwn: Readonly<Record<EbcdicName, string>> = {
  cp037: '5a7f7b5b7cbae0bbb079c04fd0a1',
  cp500: '4f7f7b5b7c4ae05a5f79c0bbd0a1',
  cp1047: '5a7f7b5b7cade0bd5f79c04fd0a1',
  cp273: '4f7f7b5bb563ecfc5f7943bbdc59',
  cp277: '4f7f4a67809ee09f5f799cbb47dc',
  cp278: '4f7f6367ecb5719f5f5143bb47dc',
  cp280: '4f7fb15bb59048515fdd44bb5458',
  cp284: 'bb7f695b7c4ae05aba79c04fd0bd',
  cp285: '5a7f7b4a7cb1e0bbba79c04fd0bc',
  cp297: '4f7fb15b449048b55fa051bb54bd',
  cp871: '4f7f7b5bacaebe9eec8c8ebb9ccc',
  cp290: '5a7f7be07c70b280b079c04fd0a0',
  cp833: '5a7f7b5b7c70b280b079c04fd0a1',
  cp838: '5a7f7b5b7c49e0596979c04fd0a1',
  cp905: '4ffcecb9af68dcb65fda488fb3cc',
  cp935: '5a7f7be07cbab2bbb079c04fd0a0',
  // And '\\' at 0xe0, in Java.
  cp939: '5a7f7b5b7cadb2bdb079c04fd0a0',
  cp1026: '4ffcecadae68dcac5f8d48bb8ccc',
};

export class Ebcdic implements Decoder {
  readonly others = [];
  readonly #letters = new Uint8Array(256);

  constructor(name: EbcdicName) {
    for (const [from, text] of ebcdicRuns) {
      Buffer.from(text, 'latin1').forEach((letter, i) => (this.#letters[from + i] = letter));
    }
    Buffer.from(ebcdicOwn[name], 'hex').forEach((place, i) => {
      this.#letters[place] = ebcdicDiffering.charCodeAt(i);
    });
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
