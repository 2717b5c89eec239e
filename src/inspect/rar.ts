/**
 * RAR 4 and 5 (RARLAB's technical notes): the names of its files, and whether they, or the headers
 * that tell of them, are encrypted. Goes from header to header; what lies between is left out.
 */
import { type Block, type Look, lookahead } from './blocks.ts';
import type { Notes } from './notes.ts';
import { unpackRarName } from './rar-name.ts';

const mark = Buffer.from('Rar!\x1a\x07', 'latin1');

/** How far it is to the next header; undefined where there is none. */
type Advance = number | undefined;

export class RarLook implements Look {
  readonly #notes: Notes;
  /** Offset of the next header; undefined while no archive has begun. */
  #next: number | undefined;
  #read: (bytes: Buffer) => Advance = () => undefined;
  /** Whether the header that each archive begins with was seen: from then on others are skipped. */
  #hasMain = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look({ bytes, at, fresh }: Block): void {
    for (let from = 0; from < fresh;) {
      this.#next ??= this.#begin(bytes, from, at);
      if (this.#next === undefined || this.#next - at >= fresh) return;
      from = this.#next - at;
      const advance = this.#read(bytes.subarray(from));
      this.#next = advance === undefined ? undefined : this.#next + advance;
    }
  }

  #begin(bytes: Buffer, from: number, at: number): number | undefined {
    const found = bytes.indexOf(mark, from);
    if (found === -1) return undefined;
    this.#hasMain = false;
    const isFifth = bytes[found + mark.length] === 1;
    this.#read = isFifth ? (rest) => this.#fifth(rest) : (rest) => this.#fourth(rest);
    return at + found + mark.length + (isFifth ? 2 : 1);
  }

  #fourth(bytes: Buffer): Advance {
    if (bytes.length < 7) return undefined;
    const type = bytes.readUInt8(2);
    const flags = bytes.readUInt16LE(3);
    const size = bytes.readUInt16LE(5);
    this.#hasMain ||= type === 0x73;
    if (!this.#hasMain || size < 7 || type === 0x7b) return undefined;
    if (type === 0x73 && (flags & 0x80) !== 0) {
      this.#notes.encrypted.add('RAR');
      return undefined;
    }
    if (size > lookahead) this.#notes.incomplete ??= `a header of ${size} bytes`;
    if (type === 0x74 && bytes.length >= 32) this.#fourthFile(bytes.subarray(0, size), flags);
    const hasMore = type === 0x74 || (flags & 0x8000) !== 0;
    const more = hasMore && bytes.length >= 11 ? bytes.readUInt32LE(7) : 0;
    const isLarge = type === 0x74 && (flags & 0x100) !== 0 && bytes.length >= 36;
    return size + more + (isLarge ? bytes.readUInt32LE(32) * 2 ** 32 : 0);
  }

  #fourthFile(header: Buffer, flags: number): void {
    if ((flags & 0x04) !== 0) this.#notes.encrypted.add('RAR');
    if (header.length < 32) return;
    const from = (flags & 0x100) !== 0 ? 40 : 32;
    const name = header.subarray(from, from + header.readUInt16LE(26));
    const end = name.indexOf(0);
    const plain = end === -1 ? name : name.subarray(0, end);
    this.#notes.entry(plain);
    // Behind NUL stands the name that readers prefer.
    if (end === -1 || (flags & 0x200) === 0) return;
    this.#notes.entry(Buffer.from(unpackRarName(plain, name.subarray(end + 1))));
  }

  #fifth(bytes: Buffer): Advance {
    const all = new Fields(bytes, 4);
    const size = all.number();
    const header = new Fields(bytes.subarray(0, all.at + size), all.at);
    const [type, flags] = [header.number(), header.number()];
    const extra = (flags & 1) !== 0 ? header.number() : 0;
    const data = (flags & 2) !== 0 ? header.number() : 0;
    this.#hasMain ||= type === 1 || type === 4;
    if (!this.#hasMain || size === 0 || type === 0) return undefined;
    // Not all of it may be seen, nor how far it is to the next one.
    if (all.at + size > lookahead) this.#notes.unread(`a header of ${size} bytes`);
    if (header.isShort()) return undefined;
    if (type === 4) this.#notes.encrypted.add('RAR');
    if (type === 4 || type === 5) return undefined;
    if (type === 2 || type === 3) {
      this.#fifthFile(header, type === 2);
      this.#fifthExtra(bytes, all.at + size - extra, all.at + size);
    }
    return all.at + size + data;
  }

  #fifthFile(header: Fields, isFile: boolean): void {
    const flags = header.number();
    header.number();
    header.number();
    header.skip(((flags & 2) !== 0 ? 4 : 0) + ((flags & 4) !== 0 ? 4 : 0));
    header.number();
    header.number();
    const name = header.bytes(header.number());
    if (isFile) this.#notes.entry(name);
  }

  /** A record of type 1 in the extra area of a file tells how it is encrypted; that of an archive, where to find what. */
  #fifthExtra(bytes: Buffer, from: number, to: number): void {
    const records = new Fields(bytes.subarray(0, Math.max(from, to)), from);
    while (!records.isShort() && records.at < to) {
      const size = records.number();
      const end = records.at + size;
      if (size === 0) return;
      if (records.number() === 1 && !records.isShort()) this.#notes.encrypted.add('RAR');
      records.skip(end - records.at);
    }
  }
}

/** RAR 5 writes numbers seven bits to a byte, the lowest first. */
class Fields {
  readonly #bytes: Buffer;
  at: number;
  #isShort = false;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = Math.max(0, at);
  }

  /** Whether more was asked for than is there; what came then was 0. */
  isShort(): boolean {
    return this.#isShort;
  }

  number(): number {
    let value = 0;
    for (let digit = 0; digit < 10; digit++) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) break;
      this.at++;
      value += (byte & 0x7f) * 2 ** (7 * digit);
      if (byte < 0x80) return value;
    }
    this.#isShort = true;
    return 0;
  }

  bytes(count: number): Buffer {
    const some = this.#bytes.subarray(this.at, this.at + count);
    this.skip(count);
    return some;
  }

  skip(count: number): void {
    this.at += Math.max(0, count);
    if (this.at > this.#bytes.length) this.#isShort = true;
  }
}
