/**
 * 7z (7zFormat.txt of the LZMA SDK): the names of its files, and whether they are encrypted. All
 * that tells of it stands in a header at the end, mostly packed with LZMA in front of where it is.
 */
import { type Block, type Look, places } from './blocks.ts';
import { crc32 } from './crc32.ts';
import type { Notes } from './notes.ts';
import { namesIn, packedHeader } from './seven-zip-header.ts';
import { unpackLzma } from './lzma.ts';

const mark = Buffer.from('377abcaf271c', 'hex');
const startBytes = 32;

/** The coder 7zAES, which also encrypts headers. */
const aes = Buffer.from('06f10701', 'hex');

export class SevenZipLook implements Look {
  readonly #notes: Notes;
  /** Offsets of the archive's start, its header and the end of that; once the archive has begun. */
  #place: { readonly base: number; readonly header: number; readonly end: number } | undefined;
  /** What was kept from `#keptFrom` on. */
  #kept = Buffer.alloc(0);
  #keptFrom = 0;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look(block: Block): void {
    if (this.#place === undefined) this.#begin(block);
    if (this.#place === undefined) return;
    this.#keep(block, this.#place.end);
    if (block.at + block.fresh < this.#place.end && this.#kept.length > 0) return;
    if (block.at + block.bytes.length >= this.#place.end) this.#finish(this.#place);
  }

  #begin(block: Block): void {
    for (const found of places(block, mark)) {
      const start = block.bytes.subarray(found, found + startBytes);
      if (start.length < startBytes) return;
      this.#start(start, block.at + found + startBytes);
      if (this.#place !== undefined) return;
    }
  }

  /** @param base offset behind it. */
  #start(bytes: Buffer, base: number): void {
    // A version, and else zeros: 7-Zip looks for the header at the end of the file.
    if (bytes[7] !== 0 && bytes.subarray(8).every((byte) => byte === 0)) {
      this.#notes.unread('an unfinished archive');
      return;
    }
    // Readers pass over the mark where its checksum is wrong.
    if (crc32(bytes.subarray(12)) !== bytes.readUInt32LE(8)) return;
    const offset = Number(bytes.readBigUInt64LE(12));
    const size = Number(bytes.readBigUInt64LE(20));
    if (size === 0) return;
    const { headerBytesMax } = this.#notes.limits;
    if (size > headerBytesMax) this.#notes.unread(`a header of more than ${headerBytesMax} bytes`);
    const header = base + offset;
    this.#place = { base, header, end: header + Math.min(size, headerBytesMax) };
    this.#keptFrom = Math.max(base, header - headerBytesMax);
  }

  /** Keeps what is new in the block of the bytes that are wanted. */
  #keep({ bytes, at }: Block, end: number): void {
    const from = this.#keptFrom + this.#kept.length - at;
    const more = bytes.subarray(Math.max(0, from), Math.max(0, end - at));
    if (from >= 0 && more.length > 0) this.#kept = Buffer.concat([this.#kept, more]);
  }

  #finish({ base, header }: { readonly base: number; readonly header: number }): void {
    const bytes = this.#kept.subarray(header - this.#keptFrom);
    this.#header(bytes, (from) => this.#kept.subarray(base + from - this.#keptFrom));
    this.#kept = Buffer.alloc(0);
    this.#place = undefined;
  }

  #header(bytes: Buffer, packedAt: (from: number) => Buffer): void {
    if (bytes.includes(aes)) this.#notes.encrypted.add('7z');
    const packed = packedHeader(bytes);
    if (packed === undefined) this.#names(bytes);
    else if (packed === 'unknown') this.#unread();
    else {
      const { from, size, properties, unpackedBytes } = packed;
      const source = packedAt(from).subarray(0, size);
      const { unpackedHeaderBytesMax } = this.#notes.limits;
      const isWhole = source.length === size && unpackedBytes <= unpackedHeaderBytesMax;
      const unpacked = isWhole ? unpackLzma(source, properties, unpackedBytes) : undefined;
      if (unpackedBytes > unpackedHeaderBytesMax) this.#tooLarge(unpackedHeaderBytesMax);
      else if (unpacked === undefined) this.#unread();
      else {
        if (unpacked.includes(aes)) this.#notes.encrypted.add('7z');
        this.#names(unpacked);
      }
    }
  }

  #names(header: Buffer): void {
    const { names, isSure } = namesIn(header);
    for (const name of names) this.#notes.entry(name);
    // No archive has a header without files.
    if (!isSure || names.length === 0) this.#notes.incomplete ??= 'a header with names elsewhere';
  }

  /** An encrypted header says so itself. */
  #unread(): void {
    if (!this.#notes.encrypted.has('7z')) this.#notes.unread('a header that is not readable');
  }

  #tooLarge(bytesMax: number): void {
    this.#notes.unread(`a header that unpacks to more than ${bytesMax} bytes`);
  }
}
