/**
 * The door of the room: looks through the bytes of a file, once and piece by piece, for what a
 * scanner does not tell of it: that it is encrypted, and which names an archive has in it. How the
 * bytes are cut changes nothing, any bytes are taken, and memory does not grow with them.
 */
import { type Block, Blocks, type Look } from './blocks.ts';
import { EncryptedMailLook } from './encrypted-mail.ts';
import { GzipLook, gzipSliceBytes } from './gzip.ts';
import { type EncryptedFormat, type InspectLimits, Notes } from './notes.ts';
import { OleLook } from './ole.ts';
import { PdfLook } from './pdf.ts';
import { RarLook } from './rar.ts';
import { SevenZipLook } from './seven-zip.ts';
import { TarLook } from './tar.ts';
import { ZipLook } from './zip.ts';

/** Enough for a library that knows the beginnings of files. */
export const headBytes = 4100;

export interface Inspection {
  readonly encrypted: readonly EncryptedFormat[];
  /** Names in an archive, as it has them; each once. */
  readonly entries: readonly string[];
  /** Why names may be missing, in words. */
  readonly incomplete?: string;
  /** Why it may be encrypted and not be known to be, in words. */
  readonly unseen?: string;
  /** What clamd does not unpack although it opens such files, in words. */
  readonly unopened?: string;
  /** The first bytes, up to `headBytes`. */
  readonly head: Buffer;
}

export interface InspectorOptions {
  readonly limits: InspectLimits;
  /** Whether names in archives are wanted that it costs something to come by. */
  readonly lists: boolean;
}

export class Inspector {
  readonly #notes: Notes;
  readonly #lists: boolean;
  readonly #blocks: Blocks;
  readonly #looks: readonly Look[];
  #head: Buffer = Buffer.alloc(0);
  #gzip: GzipLook | undefined;

  /** @param scratch of `scratchBytes`; nobody else may use it before `end`. */
  constructor({ limits, lists }: InspectorOptions, scratch: Buffer) {
    const notes = new Notes(limits);
    this.#notes = notes;
    this.#lists = lists;
    this.#looks = [
      new ZipLook(notes),
      new RarLook(notes),
      new SevenZipLook(notes),
      new TarLook(notes),
      new PdfLook(notes),
      new OleLook(notes),
      new EncryptedMailLook(notes),
    ];
    this.#blocks = new Blocks(scratch, (block) => {
      this.#look(block);
    });
  }

  /** The pieces of a chunk that are to be fed one at a time, with turns for others between. */
  *slices(chunk: Buffer): Generator<Buffer, void> {
    const isPacked = this.#lists && GzipLook.begins(begin(this.#head, chunk));
    const bytes = isPacked ? gzipSliceBytes : chunk.length;
    for (let at = 0; at < chunk.length; at += bytes) yield chunk.subarray(at, at + bytes);
  }

  /** @returns how many bytes it was worked on. */
  feed(slice: Buffer): number {
    const work = slice.length + this.#unpack(slice);
    if (this.#head.length < headBytes) {
      const more = slice.subarray(0, headBytes - this.#head.length);
      this.#head = Buffer.concat([this.#head, more]);
    }
    this.#blocks.feed(slice);
    return work;
  }

  /** What was found; to be called once, at the end. */
  end(): Inspection {
    this.#blocks.end();
    this.#gzip?.name(this.#head);
    this.#gzip?.end();
    const { encrypted, entries, incomplete, unseen, unopened } = this.#notes;
    return {
      encrypted: [...encrypted],
      entries: [...entries],
      ...(incomplete !== undefined && { incomplete }),
      // What is known to be encrypted in part needs no more words.
      ...(unseen !== undefined && encrypted.size === 0 && { unseen }),
      ...(unopened !== undefined && { unopened }),
      head: this.#head,
    };
  }

  #look(block: Block): void {
    for (const look of this.#looks) look.look(block);
  }

  #unpack(slice: Buffer): number {
    if (!this.#lists) return 0;
    if (this.#gzip !== undefined) return this.#gzip.feed(slice);
    const isDecided = this.#head.length >= gzipMarkBytes;
    if (isDecided || !GzipLook.begins(begin(this.#head, slice))) return 0;
    this.#gzip = new GzipLook(this.#notes);
    return this.#gzip.feed(this.#head) + this.#gzip.feed(slice);
  }
}

/** What tells a gzip. */
const gzipMarkBytes = 3;

function begin(head: Buffer, more: Buffer): Buffer {
  return head.length >= gzipMarkBytes
    ? head
    : Buffer.concat([head, more.subarray(0, gzipMarkBytes)]);
}
