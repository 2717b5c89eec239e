/**
 * What follows 354, decoded: dot-stuffing removed (RFC 5321 §4.5.2), the end of data found, which is
 * a line with a lone dot between two CRLF and nothing else, and the offences seen on the way. The
 * content is handed out as slices of the input.
 *
 * After an offence for which the message is refused anyway (see `bareCr`, bare LF, too large) no
 * more content is handed out, but decoding goes on to the true end, so that the session stays in
 * step. What an offence leads to is not decided here.
 */

import { findByte } from '../../find-byte.ts';
import { LoneDotWatch } from './lone-dot-watch.ts';
import { SliceList } from './slice-list.ts';

export interface DataOptions {
  /**
   * What becomes of a CR without a LF behind it: it is content as it stands; or an offence like a
   * bare LF; or a space takes its place, as in Postfix 3.9 (cleanup_replace_stray_cr_lf).
   */
  readonly bareCr: 'pass' | 'refuse' | 'space';
  /** Ceiling of the content, in bytes. */
  readonly messageBytesMax: number;
}

export interface Violations {
  /** A LF without a CR before it (RFC 5321 §2.3.8). */
  readonly bareLf: boolean;
  /** A CR without a LF behind it. */
  readonly bareCr: boolean;
  /** One of these for which the message is refused: a bare LF, or a bare CR if that is the rule. */
  readonly lineEnd: boolean;
  /**
   * The content holds what a careless next hop could take for the end of data although it is not
   * sent as one: a line that is a lone dot if a bare CR ends a line, too, or if NULs do not count.
   */
  readonly crDot: boolean;
  readonly tooLarge: boolean;
}

export interface Decoded {
  /** Content, in order; its bytes are the input's. */
  readonly slices: readonly Buffer[];
  /** Bytes of the input that belong to the data: all, unless the end of data was among them. */
  readonly used: number;
}

/** What the decoder has just passed. */
type Position =
  /** The start of the data, or a CRLF. */
  | 'line-start'
  /** A dot at the start of a line: dropped, whatever follows. */
  | 'dot'
  /** A dot at the start of a line and a CR: with a LF it is the end, else the CR is a bare one. */
  | 'dot-cr'
  | 'text'
  /** A CR that was the last byte of its chunk; not handed out yet. */
  | 'cr'
  | 'end';

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const crBytes = Buffer.from('\r');
const spaceBytes = Buffer.from(' ');

export class DataDecoder {
  readonly #options: DataOptions;
  #position: Position = 'line-start';
  readonly #loneDot = new LoneDotWatch();
  #bareLf = false;
  #bareCr = false;
  #tooLarge = false;
  /** Bytes of content handed out. */
  #size = 0;

  /** The chunk at work: `#at` is the next byte to look at, content from `#kept` on is still due. */
  #chunk: Buffer = crBytes;
  #at = 0;
  #kept = 0;
  /** The next CR and LF at or after `#at`, if they were looked for; the chunk's length if none. */
  #nextCr = -1;
  #nextLf = -1;
  #slices = new SliceList(0);

  constructor(options: DataOptions) {
    this.#options = options;
  }

  get ended(): boolean {
    return this.#position === 'end';
  }

  /** What was seen so far; whole once `ended`. */
  get violations(): Violations {
    return {
      bareLf: this.#bareLf,
      bareCr: this.#bareCr,
      lineEnd: this.#lineEnd,
      crDot: this.#loneDot.seen,
      tooLarge: this.#tooLarge,
    };
  }

  get #lineEnd(): boolean {
    return this.#bareLf || (this.#bareCr && this.#options.bareCr === 'refuse');
  }

  decode(chunk: Buffer): Decoded {
    this.#chunk = chunk;
    this.#at = 0;
    this.#kept = 0;
    this.#nextCr = -1;
    this.#nextLf = -1;
    this.#slices = new SliceList(chunk.length + crBytes.length);
    while (this.#at < chunk.length && this.#position !== 'end') this.#step(this.#position);
    this.#handOutTo(this.#at);
    return { slices: this.#slices.slices, used: this.#at };
  }

  #step(position: Exclude<Position, 'end'>): void {
    switch (position) {
      case 'line-start':
        if (this.#chunk[this.#at] === DOT) this.#leaveOut('dot');
        else this.#position = 'text';
        break;
      case 'dot':
        if (this.#chunk[this.#at] === CR) this.#leaveOut('dot-cr');
        else this.#position = 'text';
        break;
      case 'dot-cr':
        if (this.#chunk[this.#at] === LF) this.#leaveOut('end');
        else this.#passHeldBareCr();
        break;
      case 'cr':
        if (this.#chunk[this.#at] === LF) this.#passHeldCrlf();
        else this.#passHeldBareCr();
        break;
      case 'text':
        this.#passText();
        break;
    }
  }

  /** To the end of the line, to the next offence, or to the end of the chunk. */
  #passText(): void {
    const from = this.#at;
    if (this.#nextCr < from) this.#nextCr = findByte(this.#chunk, CR, from);
    if (this.#nextLf < from) this.#nextLf = findByte(this.#chunk, LF, from);
    const end = Math.min(this.#nextCr, this.#nextLf);
    this.#loneDot.text(this.#chunk, from, end);
    this.#at = end;
    if (end === this.#chunk.length) return;
    if (this.#nextLf === end) {
      this.#passBareLf();
    } else if (end + 1 === this.#chunk.length) {
      this.#leaveOut('cr');
    } else if (this.#nextLf === end + 1) {
      this.#loneDot.lineEnd('crlf');
      this.#at = end + 2;
      this.#position = 'line-start';
    } else {
      this.#passBareCr();
    }
  }

  #passBareLf(): void {
    this.#handOutTo(this.#at);
    this.#bareLf = true;
    this.#loneDot.text(this.#chunk, this.#at, this.#at + 1);
    this.#at += 1;
  }

  #passBareCr(): void {
    if (this.#options.bareCr === 'pass') {
      this.#seeBareCr();
      this.#at += 1;
    } else {
      this.#leaveOut('text');
      this.#passHeldBareCr();
    }
  }

  #passHeldBareCr(): void {
    this.#seeBareCr();
    this.#handOut(this.#options.bareCr === 'space' ? spaceBytes : crBytes, 0, 1);
    this.#position = 'text';
  }

  #passHeldCrlf(): void {
    this.#handOut(crBytes, 0, 1);
    this.#loneDot.lineEnd('crlf');
    this.#at += 1;
    this.#position = 'line-start';
  }

  #seeBareCr(): void {
    this.#bareCr = true;
    if (this.#options.bareCr === 'space') this.#loneDot.text(spaceBytes, 0, 1);
    else this.#loneDot.lineEnd('bare-cr');
  }

  /** Hands out what is due and passes over the byte at `#at`. */
  #leaveOut(next: Position): void {
    this.#handOutTo(this.#at);
    this.#at += 1;
    this.#kept = this.#at;
    this.#position = next;
  }

  #handOutTo(end: number): void {
    this.#handOut(this.#chunk, this.#kept, end);
    this.#kept = end;
  }

  #handOut(bytes: Buffer, from: number, to: number): void {
    if (this.#lineEnd || this.#tooLarge) return;
    const fits = from + this.#options.messageBytesMax - this.#size;
    this.#tooLarge = to > fits;
    const end = Math.min(to, fits);
    this.#size += end - from;
    this.#slices.add(bytes, from, end);
  }
}
