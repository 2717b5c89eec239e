/** yEnc (yenc.org, version 1.3): every byte moved by 42, line ends and a few others escaped. */
import type { Decoder, DecoderName } from './decoder.ts';

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const EQUALS = 0x3d;
const Y = 0x79;

export class Yenc implements Decoder {
  /** NNTP doubles a dot at the start of a line; mail that came another way has it single. */
  readonly #undouble: boolean;
  #escaped = false;
  #lineStart = true;
  /** What was read last stood at the start of its line. */
  #atStart = false;
  #afterDot = false;
  /** In a line that is a keyword ('=ypart', '=yend') and no data. */
  #keyword = false;
  #sawDots = false;

  constructor(name: 'yEnc' | 'yEnc with dots as they stand' = 'yEnc') {
    this.#undouble = name === 'yEnc';
  }

  get others(): readonly DecoderName[] {
    return this.#sawDots && this.#undouble ? ['yEnc with dots as they stand'] : [];
  }

  decode(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length);
    let size = 0;
    for (const byte of chunk) {
      const decoded = this.#byte(byte);
      if (decoded !== undefined) out[size++] = decoded;
    }
    return out.subarray(0, size);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  #byte(byte: number): number | undefined {
    if (byte === CR || byte === LF) {
      this.#lineStart = true;
      this.#keyword = this.#escaped = this.#afterDot = false;
      return undefined;
    }
    if (this.#keyword) return undefined;
    if (this.#escaped) return this.#unescape(byte);
    this.#atStart = this.#lineStart;
    this.#lineStart = false;
    if (byte !== EQUALS) return this.#data(byte);
    this.#escaped = true;
    this.#afterDot = false;
    return undefined;
  }

  #unescape(byte: number): number | undefined {
    this.#escaped = false;
    this.#keyword = this.#atStart && byte === Y;
    return this.#keyword ? undefined : (byte - 64 - 42) & 255;
  }

  #data(byte: number): number | undefined {
    const doubled = this.#afterDot && byte === DOT;
    this.#afterDot = this.#atStart && byte === DOT;
    if (doubled) this.#sawDots = true;
    return doubled && this.#undouble ? undefined : (byte - 42) & 255;
  }
}
