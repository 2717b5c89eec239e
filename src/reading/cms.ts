/**
 * What is signed in CMS (RFC 5652 §5.2; S/MIME, RFC 8551 §3.5.2): the octets of the first OCTET
 * STRING in an explicit [0]. In BER it may come in pieces, within each other, of lengths that are
 * not told (X.690 §8.7.3).
 */
import type { Decoder } from './decoder.ts';

const OCTETS = 0x04;
const OCTETS_IN_PIECES = 0x24;
const CONTEXT_0 = 0xa0;
const constructed = 0x20;
/** Tags of more than one byte are none of CMS. */
const longTag = 0x1f;
const lengthBytesMax = 6;
/** Within each other; what is deeper is left alone. */
const depthMax = 32;

interface Value {
  readonly tag: number;
  /** Bytes of it that are still to come; undefined where two zeros end it. */
  left: number | undefined;
}

export class SignedContent implements Decoder {
  readonly others = [];
  /** Those that are open, the outermost first. */
  readonly #open: Value[] = [];
  /** Tag and length so far. */
  #head: number[] = [];
  /** Bytes of a value that is not taken apart. */
  #skip = 0;
  #isWanted = false;
  /** How many values were open when the first OCTET STRING came. */
  #contentDepth: number | undefined;
  #done = false;

  decode(chunk: Buffer): Buffer {
    const pieces: Buffer[] = [];
    let at = 0;
    while (at < chunk.length && !this.#done) {
      const bytes = this.#skip > 0 ? Math.min(this.#skip, chunk.length - at) : 1;
      this.#pass(bytes);
      if (this.#skip > 0) {
        if (this.#isWanted) pieces.push(chunk.subarray(at, at + bytes));
        this.#skip -= bytes;
      } else this.#inHead(chunk[at] ?? 0);
      at += bytes;
      if (this.#skip === 0) this.#close();
    }
    return Buffer.concat(pieces);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #pass(bytes: number): void {
    for (const value of this.#open) if (value.left !== undefined) value.left -= bytes;
  }

  #inHead(byte: number): void {
    this.#head.push(byte);
    const [tag = 0, length] = this.#head;
    if (length === undefined) return;
    const more = length > 0x80 ? length & 0x7f : 0;
    this.#done ||= (tag & longTag) === longTag || more > lengthBytesMax;
    if (this.#head.length < 2 + more) return;
    const digits = this.#head.slice(2);
    this.#head = [];
    const told = more > 0 ? digits.reduce((sum, digit) => sum * 256 + digit, 0) : length;
    this.#value(tag, length === 0x80 ? undefined : told);
  }

  #value(tag: number, left: number | undefined): void {
    if (tag === 0 && left === 0) {
      this.#open.pop();
      this.#ended();
      return;
    }
    const isOctets = tag === OCTETS || tag === OCTETS_IN_PIECES;
    if (isOctets && this.#open.at(-1)?.tag === CONTEXT_0) this.#contentDepth ??= this.#open.length;
    if ((tag & constructed) !== 0 && this.#open.length < depthMax) this.#open.push({ tag, left });
    else {
      this.#isWanted = tag === OCTETS && this.#contentDepth !== undefined;
      this.#skip = left ?? 0;
    }
  }

  /** Those that are complete. */
  #close(): void {
    if (this.#head.length > 0) return;
    while (this.#open.at(-1)?.left !== undefined && (this.#open.at(-1)?.left ?? 0) <= 0) {
      this.#open.pop();
    }
    this.#ended();
  }

  #ended(): void {
    if (this.#contentDepth !== undefined)
      this.#done ||= this.#open.length <= this.#contentDepth - 1;
    this.#done ||= this.#open.length === 0;
  }
}
