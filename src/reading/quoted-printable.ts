/**
 * Quoted-printable (RFC 2045 §6.7), decoded as it streams by: in linear time and bounded memory,
 * whatever comes and however it is cut. libqp, which mailsplit uses, holds the whole part until its
 * end and runs a quadratic expression over it; what comes out is the same (see the tests).
 *
 * Two stages. The first drops the blanks at the end of lines and the soft line breaks; the second
 * decodes =XX in what is left. What is malformed stays as it stands, or loses its '='.
 */
import type { Decoder, DecoderName } from './decoder.ts';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EQUALS = 0x3d;

/** Blanks that wait for what follows them. A longer run is content: bounded memory wins. */
export const blanksMax = 64 * 1024;

const otherEscapes = [
  'quoted-printable without broken escapes',
  'quoted-printable as Python has it',
  'as it stands',
] as const;

/** What the first stage holds back besides blanks. */
type Soft = 'none' | '=' | '=CR';

type QuotedPrintableName = Extract<
  DecoderName,
  | 'quoted-printable'
  | 'quoted-printable without broken escapes'
  | 'quoted-printable without control characters'
>;

export class QuotedPrintable implements Decoder {
  readonly #name: QuotedPrintableName;
  /** Whether '=' before what is no number stays. */
  readonly #keepsBroken: boolean;
  #sawBroken = false;
  #sawControls = false;
  #soft: Soft = 'none';
  /** Not reserved beforehand: MailParser keeps the decoders of all parts until it ends. */
  readonly #blanks: number[] = [];
  /** '=' and perhaps a hexadecimal digit, in the second stage. */
  readonly #escape: number[] = [];
  #out = Buffer.alloc(0);
  #size = 0;

  constructor(name: QuotedPrintableName = 'quoted-printable') {
    this.#name = name;
    this.#keepsBroken = name !== 'quoted-printable without broken escapes';
  }

  get others(): readonly DecoderName[] {
    if (this.#name !== 'quoted-printable') return [];
    return [
      ...(this.#sawBroken ? otherEscapes : []),
      ...(this.#sawControls ? (['quoted-printable without control characters'] as const) : []),
    ];
  }

  /** Bytes that wait for what follows them, or one more. */
  get held(): number {
    const soft = this.#soft === 'none' ? 0 : this.#soft.length;
    return this.#blanks.length + this.#escape.length + soft;
  }

  decode(chunk: Buffer): Buffer {
    // What was held comes on top of what the chunk itself can come to.
    this.#out = Buffer.allocUnsafe(chunk.length + this.held);
    this.#size = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.held === 0) at = this.#plain(chunk, at);
      if (at < chunk.length) this.#unfold(chunk[at] ?? 0);
    }
    return this.#out.subarray(0, this.#size);
  }

  /** The end of the part: a soft break or blanks there are dropped like at the end of a line. */
  end(): Buffer {
    this.#blanks.length = 0;
    this.#out = Buffer.allocUnsafe(this.held);
    this.#size = 0;
    if (this.#soft === '=CR') this.#release();
    this.#soft = 'none';
    this.#releaseEscape();
    return this.#out.subarray(0, this.#size);
  }

  /**
   * Both stages at once for what nothing was held before and nothing has to wait for, which is nearly
   * all of a well-formed text.
   *
   * @returns where it ends.
   */
  #plain(chunk: Buffer, from: number): number {
    const out = this.#out;
    let size = this.#size;
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === EQUALS) {
        const value = escaped(chunk, at);
        if (value < 0) break;
        out[size++] = value;
        at += 2;
      } else if (byte <= SPACE && !isPlain(byte, chunk[at + 1])) break;
      else out[size++] = byte;
    }
    this.#size = size;
    return at;
  }

  #unfold(byte: number): void {
    if (byte === SPACE || byte === TAB) this.#holdBlank(byte);
    else if (byte === CR || byte === LF) this.#endLine(byte);
    else if (byte < SPACE) this.#control(byte);
    else this.#text(byte);
  }

  /** RFC 2045 §6.7 (4) forbids it, and lets a decoder leave it out. */
  #control(byte: number): void {
    this.#sawControls = true;
    if (this.#name !== 'quoted-printable without control characters') this.#text(byte);
  }

  #endLine(byte: number): void {
    this.#blanks.length = 0;
    if (this.#soft === '=CR' && byte === CR) {
      // Lenient readers take a CR alone for a line end, and several for one.
      this.#sawBroken = true;
      if (!this.#keepsBroken) return;
      this.#release();
    }
    if (this.#soft === 'none') this.#unescape(byte);
    else this.#soft = byte === CR ? '=CR' : 'none'; // with its LF the soft break is whole
  }

  #text(byte: number): void {
    if (this.#soft !== 'none' || this.#blanks.length > 0) this.#release();
    if (byte === EQUALS) this.#soft = '=';
    else this.#unescape(byte);
  }

  #holdBlank(byte: number): void {
    if (this.#blanks.length === blanksMax) this.#release();
    this.#blanks.push(byte);
  }

  /** What was held turns out to be content. */
  #release(): void {
    if (this.#soft === '=CR') this.#sawBroken = true;
    if (this.#soft !== 'none' && (this.#keepsBroken || this.#soft === '=')) this.#unescape(EQUALS);
    if (this.#soft === '=CR' && this.#keepsBroken) this.#unescape(CR);
    this.#soft = 'none';
    for (const blank of this.#blanks) this.#unescape(blank);
    this.#blanks.length = 0;
  }

  #unescape(byte: number): void {
    if (this.#escape.length === 0 || !isHex(byte)) {
      this.#releaseEscape();
      if (byte === EQUALS) this.#escape.push(byte);
      else this.#out[this.#size++] = byte;
    } else if (this.#escape.push(byte) === 3) {
      const digits = String.fromCharCode(...this.#escape.splice(0).slice(1));
      this.#out[this.#size++] = Number.parseInt(digits, 16);
    }
  }

  #releaseEscape(): void {
    if (this.#escape.length === 0) return;
    this.#sawBroken = true;
    const kept = this.#keepsBroken ? this.#escape : this.#escape.slice(1);
    for (const byte of kept) this.#out[this.#size++] = byte;
    this.#escape.length = 0;
  }
}

/** Of each byte as a hexadecimal digit; -1 where it is none. */
const digits = Int8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
});

function isHex(byte: number): boolean {
  return (digits[byte] ?? -1) >= 0;
}

/** What '=XX' stands for; negative where it is not whole, or not that. */
function escaped(chunk: Buffer, at: number): number {
  const high = digits[chunk[at + 1] ?? 0] ?? -1;
  const low = digits[chunk[at + 2] ?? 0] ?? -1;
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Whether it is a line end, or a blank that stands in front of what is none. */
function isPlain(byte: number, next: number | undefined): boolean {
  if (byte === CR || byte === LF) return true;
  return (byte === SPACE || byte === TAB) && next !== undefined && next > SPACE;
}
