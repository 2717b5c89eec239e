/**
 * gzip (RFC 1952): the name of the file in it, and of a tar in it those of its files. It is opened
 * as far as a ceiling allows, and nothing of it is kept.
 */
import { Gunzip } from 'fflate';
import { Blocks, scratchBytes } from './blocks.ts';
import type { Notes } from './notes.ts';
import { TarLook } from './tar.ts';

const FNAME = 0x08;
const FEXTRA = 0x04;
const nameMax = 4096;

/** Deflate makes a byte of no more than 1032, so this is a fraction of a second's work. */
export const gzipSliceBytes = 1024;

export class GzipLook {
  readonly #notes: Notes;
  readonly #gunzip = new Gunzip((bytes) => {
    this.#inflated(bytes);
  });
  readonly #blocks: Blocks;
  readonly #tar: TarLook;
  /** What waits for its slice: where a fault ends it must not depend on how the file arrives. */
  #held: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #isOver = false;

  constructor(notes: Notes) {
    this.#notes = notes;
    const tar = new TarLook(notes);
    this.#tar = tar;
    this.#blocks = new Blocks(Buffer.allocUnsafeSlow(scratchBytes), (block) => {
      tar.look(block);
    });
  }

  static begins(head: Buffer): boolean {
    return head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;
  }

  /** The name in the header (RFC 1952 §2.3.1). @param head the first bytes of the file. */
  name(head: Buffer): void {
    const flags = head[3] ?? 0;
    if ((flags & FNAME) === 0 || head.length < 12) return;
    const from = 10 + ((flags & FEXTRA) !== 0 ? 2 + head.readUInt16LE(10) : 0);
    const end = head.indexOf(0, from);
    if (end !== -1 && end - from <= nameMax) this.#notes.entry(head.subarray(from, end));
    // A file that ends in its own name is none.
    else if (head.length > nameMax)
      this.#notes.incomplete ??= `a name of more than ${nameMax} bytes`;
  }

  /** @param chunk of at most `gzipSliceBytes`. @returns the bytes that it came to. */
  feed(chunk: Buffer): number {
    if (this.#isOver) return 0;
    const before = this.#bytes;
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#held.length >= gzipSliceBytes) {
      this.#push(this.#held.subarray(0, gzipSliceBytes));
      this.#held = this.#held.subarray(gzipSliceBytes);
    }
    return this.#bytes - before;
  }

  end(): void {
    if (!this.#isOver) this.#push(this.#held);
    this.#blocks.end();
  }

  #push(slice: Buffer): void {
    try {
      // It may keep what it is given.
      this.#gunzip.push(Buffer.from(slice));
    } catch {
      // Not gzip any more: what follows is nobody's file.
      this.#isOver = true;
    }
  }

  #inflated(bytes: Uint8Array): void {
    if (this.#isOver) return;
    const { inflatedBytesMax } = this.#notes.limits;
    const some = bytes.subarray(0, inflatedBytesMax - this.#bytes);
    this.#bytes += bytes.length;
    this.#blocks.feed(Buffer.from(some.buffer, some.byteOffset, some.length));
    if (this.#bytes <= inflatedBytesMax) return;
    // Behind the end of a tar, and in what is none, there are no names.
    if (!this.#tar.isOver) this.#notes.incomplete ??= `gzip of more than ${inflatedBytesMax} bytes`;
    this.#isOver = true;
  }
}
