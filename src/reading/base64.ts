/**
 * Base64 as decoders in the field take it. On regular input (lines of whole quanta of RFC 4648's
 * alphabet, padding at the end only) all of them agree; where it is not, each way is one of
 * `Base64Name`, and the first of them says so in `others`.
 *
 * All leave out what is not of the alphabet (RFC 2045 §6.8). To stop at the first such letter, or
 * at padding, gives a beginning of what is decoded here: the rest follows it, and hides nothing.
 */
import type { Base64Name, Decoder, DecoderName } from './decoder.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;
/** Marks in the table of letters, above the six bits of a value. */
const padding = 64;
const lineEnd = 65;
const blank = 66;
const urlSafe = 67;
const garbage = 68;

/** What '=' does: ends the quantum and a new one begins; nothing; stands for zero bits. */
type Padding = 'restart' | 'skip' | 'zero';

interface Manner {
  readonly padding: Padding;
  readonly table: Uint8Array;
  /** Each line begins a new quantum. */
  readonly lines: boolean;
  /** Lines with anything else are left out whole. */
  readonly wholeLines: boolean;
  /** Those that are not of whole quanta, too. */
  readonly wholeQuanta?: true;
}

function letters(url: boolean): Uint8Array {
  const table = new Uint8Array(256).fill(garbage);
  Buffer.from(alphabet).forEach((letter, value) => (table[letter] = value));
  for (const one of '\t ') table[one.charCodeAt(0)] = blank;
  table[CR] = table[LF] = lineEnd;
  table[EQUALS] = padding;
  // RFC 4648 §5
  table['-'.charCodeAt(0)] = url ? 62 : urlSafe;
  table['_'.charCodeAt(0)] = url ? 63 : urlSafe;
  return table;
}

const plain = letters(false);
const usual: Manner = { padding: 'restart', table: plain, lines: false, wholeLines: false };

/**
 * 'skip' is PHP's base64_decode, 'zero' GLib's g_base64_decode_step, both lenient by default;
 * whole lines, of whole quanta, are what uudeview looks for.
 */
const manners: Readonly<Record<Base64Name, Manner>> = {
  base64: usual,
  'base64 with = left out': { ...usual, padding: 'skip' },
  'base64 with = as zero': { ...usual, padding: 'zero' },
  'base64 with URL-safe letters': { ...usual, table: letters(true) },
  'base64, each line by itself': { ...usual, lines: true },
  // How lines are cut says nothing there.
  'base64 in folded lines': usual,
  'base64 without lines that hold anything else': { ...usual, wholeLines: true },
  'base64 in lines of whole quanta': { ...usual, wholeLines: true, wholeQuanta: true },
};

/** Of fewer it is not worth making a text. */
const equalBytesMin = 256;

/** A longer line is no line of base64 that a line-wise decoder would take. */
const lineBytesMax = 1024;

export class Base64 implements Decoder {
  readonly #manner: Manner;
  readonly #name: Base64Name;
  /** Bits of the quantum so far, and how many letters they are of. */
  #bits = 0;
  #count = 0;
  /** Whether '=' stood third (1) or fourth (2) in the quantum. */
  #pads = 0;
  #out = Buffer.alloc(0);
  #size = 0;
  /** The line so far, where lines are taken or left whole. */
  #line: number[] = [];
  #lineIsBad = false;
  /** What was met that decoders disagree about. */
  #padded = false;
  #dataAfterPadding = false;
  #brokenLine = false;
  #sawGarbage = false;
  #sawUrlSafe = false;

  constructor(name: Base64Name = 'base64') {
    this.#name = name;
    this.#manner = manners[name];
  }

  decode(chunk: Buffer): Buffer {
    this.#start(chunk.length + this.#line.length);
    if (this.#manner.wholeLines) for (const byte of chunk) this.#inLine(byte);
    else this.#decode(chunk);
    return this.#out.subarray(0, this.#size);
  }

  end(): Buffer {
    this.#start(this.#line.length);
    if (this.#manner.wholeLines) this.#endLine(true);
    this.#flush();
    return this.#out.subarray(0, this.#size);
  }

  get others(): readonly DecoderName[] {
    if (this.#name !== 'base64') return [];
    const others: DecoderName[] = [];
    if (this.#dataAfterPadding) others.push('base64 with = left out', 'base64 with = as zero');
    if (this.#sawUrlSafe) others.push('base64 with URL-safe letters');
    if (this.#brokenLine) others.push('base64, each line by itself');
    const isOdd = this.#sawGarbage || this.#sawUrlSafe;
    if (isOdd || this.#brokenLine) others.push('base64 in lines of whole quanta');
    if (isOdd) others.push('base64 without lines that hold anything else', 'as it stands');
    return others;
  }

  #start(letterCount: number): void {
    // Each letter gives less than a byte, and a quantum can be waiting.
    this.#out = Buffer.allocUnsafe(letterCount + 3);
    this.#size = 0;
  }

  #decode(chunk: Buffer): void {
    const { table } = this.#manner;
    let tried = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#count === 0 && !this.#padded) {
        if (at >= tried) [at, tried] = this.#equalLines(chunk, at);
        at = this.#quanta(chunk, at);
      }
      const value = table[chunk[at] ?? 0] ?? garbage;
      if (at === chunk.length) return;
      if (value < padding) this.#letter(value);
      else this.#other(value);
    }
  }

  /**
   * Lines of the same length in a row, which Node.js decodes ten times as fast as we do. It leaves out
   * what is no letter and takes URL-safe ones, so what comes out counts only where it is of all letters.
   *
   * @returns where to go on, and how far there is nothing more of this kind to be tried.
   */
  #equalLines(chunk: Buffer, from: number): [at: number, tried: number] {
    const first = chunk.indexOf(LF, from) + 1;
    if (first === 0) return [from, chunk.length];
    const width = first - from;
    const endBytes = chunk[first - 2] === CR ? 2 : 1;
    const letterCount = width - endBytes;
    // Before the others are looked at: what is left to be tried may be as many.
    if (letterCount % 4 > 0) return [from, first];
    let end = first;
    while (chunk[end + width - 1] === LF && (endBytes === 1 || chunk[end + width - 2] === CR)) {
      end += width;
    }
    if (end - from < equalBytesMin) return [from, first];
    const lines = chunk.toString('latin1', from, end);
    if (lines.includes('-') || lines.includes('_')) return [from, end];
    const bytes = (((end - from) / width) * letterCount * 3) / 4;
    if (this.#out.write(lines, this.#size, bytes, 'base64') < bytes) return [from, end];
    this.#size += bytes;
    return [end, end];
  }

  /** Whole quanta in a row, however they are cut into lines. @returns where they end. */
  #quanta(chunk: Buffer, from: number): number {
    const { table } = this.#manner;
    const out = this.#out;
    let at = from;
    let size = this.#size;
    for (; at + 4 <= chunk.length; at += 4) {
      const a = table[chunk[at] ?? 0] ?? garbage;
      const b = table[chunk[at + 1] ?? 0] ?? garbage;
      const c = table[chunk[at + 2] ?? 0] ?? garbage;
      const d = table[chunk[at + 3] ?? 0] ?? garbage;
      if ((a | b | c | d) >= padding) break;
      out[size] = (a << 2) | (b >> 4);
      out[size + 1] = (b << 4) | (c >> 2);
      out[size + 2] = (c << 6) | d;
      size += 3;
    }
    this.#size = size;
    return at;
  }

  #letter(value: number): void {
    if (this.#padded) {
      this.#dataAfterPadding = true;
      this.#padded = false;
    }
    this.#bits = (this.#bits << 6) | value;
    if (++this.#count === 4) this.#quantum();
  }

  #other(value: number): void {
    if (value === padding) this.#pad();
    else if (value === lineEnd) {
      if (this.#count > 0) this.#brokenLine = true;
      if (this.#manner.lines) this.#flush();
    } else if (value === urlSafe) this.#sawUrlSafe = true;
    else if (value === garbage) this.#sawGarbage = true;
  }

  #pad(): void {
    this.#padded = true;
    if (this.#manner.padding === 'restart') this.#flush();
    else if (this.#manner.padding === 'zero') {
      if (this.#count > 1) this.#pads |= this.#count - 1;
      this.#bits <<= 6;
      if (++this.#count === 4) this.#quantum();
    }
  }

  #quantum(): void {
    this.#put(this.#bits >> 16);
    if ((this.#pads & 1) === 0) this.#put(this.#bits >> 8);
    if ((this.#pads & 2) === 0) this.#put(this.#bits);
    this.#bits = this.#count = this.#pads = 0;
  }

  /** What an unfinished quantum comes to: two letters are a byte, three are two. */
  #flush(): void {
    const bits = this.#bits << (6 * (4 - this.#count));
    if (this.#count > 1) this.#put(bits >> 16);
    if (this.#count > 2) this.#put(bits >> 8);
    this.#bits = this.#count = this.#pads = 0;
  }

  #put(byte: number): void {
    this.#out[this.#size++] = byte;
  }

  #inLine(byte: number): void {
    const value = this.#manner.table[byte] ?? garbage;
    if (value === lineEnd) this.#endLine();
    else if (value > padding && value !== blank) this.#lineIsBad = true;
    else if (this.#line.length === lineBytesMax) this.#lineIsBad = true;
    else this.#line.push(byte);
  }

  /** @param isLast where the last quantum may be short of its padding. */
  #endLine(isLast = false): void {
    const { wholeQuanta = false } = this.#manner;
    const isBroken = wholeQuanta && !isLast && this.#line.filter(isLetter).length % 4 > 0;
    if (!this.#lineIsBad && !isBroken) this.#decode(Buffer.from(this.#line));
    this.#line = [];
    this.#lineIsBad = false;
  }
}

/** Of the usual alphabet, or padding. */
function isLetter(byte: number): boolean {
  return (plain[byte] ?? garbage) <= padding;
}
