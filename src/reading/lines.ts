/**
 * Cuts bytes into lines as the most lenient reader does: CRLF, a bare LF and a bare CR each end
 * one. Nobody who takes fewer of them for line ends finds a line start that is missing here.
 */
import { findByte } from '../find-byte.ts';

/** What is kept of a line. RFC 5322 §2.1.1 allows 998 bytes. */
export const headBytesMax = 16 * 1024;

const nothing: Buffer = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;

interface Place {
  /** Offsets: of its first byte, behind its last, of the next line's first. */
  readonly start: number;
  readonly end: number;
  readonly next: number;
  /** It ends with a CR alone, which many readers take for nothing. */
  readonly bareCr: boolean;
  /** The line before it did. */
  readonly afterBareCr: boolean;
}

/** A large message has thousands, of which few matter: what costs something is made when asked for. */
export class Line implements Place {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly bareCr: boolean;
  readonly afterBareCr: boolean;
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #to: number;
  #head: Buffer | undefined;

  /** @param bytes that hold, from `from` up to `to`, the line or its first `headBytesMax` bytes. */
  constructor(place: Place, bytes: Buffer, from: number, to: number) {
    this.start = place.start;
    this.end = place.end;
    this.next = place.next;
    this.bareCr = place.bareCr;
    this.afterBareCr = place.afterBareCr;
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** The line, or the first `headBytesMax` bytes of it. */
  get head(): Buffer {
    return (this.#head ??= this.#bytes.subarray(this.#from, this.#to));
  }

  /** The byte of `head` at this place, if there is one. */
  byteAt(index: number): number | undefined {
    const at = this.#from + index;
    return at < this.#to ? this.#bytes[at] : undefined;
  }
}

/**
 * Where in the chunk, at or after an offset, the first byte stands for which a line can matter; its
 * length where there is none.
 */
export type Matters = (chunk: Buffer, from: number) => number;

/** Of lines that do not matter: with fewer it costs more to pass over them than to look at them. */
const passedBytesMin = 1024;
/** Before the line that may matter, lines that are told of. */
const linesBefore = 2;

export class LineCutter {
  readonly #take: (line: Line) => void;
  readonly #matters: Matters | undefined;
  #start = 0;
  #afterBareCr = false;
  /** The offset of the next chunk's first byte. */
  #at = 0;
  /** What came of the line in earlier chunks. */
  #carried: Buffer = nothing;
  /** A CR was the last byte; its LF may follow. */
  #afterCr = false;
  /** Before it in the chunk no line can matter that was not told of. */
  #mattersFrom = 0;

  /** @param matters leaves out lines, but never one that may matter, nor the two before it. */
  constructor(take: (line: Line) => void, matters?: Matters) {
    this.#take = take;
    this.#matters = matters;
  }

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let from = 0;
    if (this.#afterCr) from = this.#finishCr(chunk);
    from = this.#passOver(chunk, from);
    let [lf, cr] = [-1, -1];
    while (from < chunk.length) {
      // Each is looked for again when it was passed, so that nothing is looked through twice.
      if (lf < from) lf = findByte(chunk, LF, from);
      if (cr < from) cr = findByte(chunk, CR, from);
      const to = Math.min(lf, cr);
      this.#afterCr = to === chunk.length - 1 && to === cr;
      if (to === chunk.length || this.#afterCr) {
        this.#carry(chunk, from, to);
        break;
      }
      const width = lf === cr + 1 ? 2 : 1;
      this.#take(this.#line(chunk, { from, to, width, bareCr: to === cr && width === 1 }));
      from = this.#passOver(chunk, to + width);
    }
    this.#at += chunk.length;
    this.#mattersFrom = 0;
  }

  /** @returns where in the chunk to go on: at `from`, or at a later line's start. */
  #passOver(chunk: Buffer, from: number): number {
    if (this.#matters === undefined || from < this.#mattersFrom || this.#carried.length > 0) {
      return from;
    }
    const next = this.#matters(chunk, from);
    this.#mattersFrom = next + 1;
    if (next - from < passedBytesMin) return from;
    const start = startBefore(chunk, from, next);
    if (start > from) {
      this.#start = this.#at + start;
      this.#afterBareCr = chunk[start - 1] === CR;
    }
    return start;
  }

  end(): void {
    if (this.#afterCr) this.#take(this.#carriedLine(this.#at - 1, 1, true));
    else if (this.#start < this.#at) this.#take(this.#carriedLine(this.#at, 0));
    this.#afterCr = false;
  }

  /** @returns where in the chunk the next line starts. */
  #finishCr(chunk: Buffer): number {
    this.#afterCr = false;
    const width = chunk[0] === LF ? 2 : 1;
    this.#take(this.#carriedLine(this.#at - 1, width, width === 1));
    return width - 1;
  }

  #carry(chunk: Buffer, from: number, to: number): void {
    const room = headBytesMax - this.#carried.length;
    if (to <= from || room <= 0) return;
    const piece = chunk.subarray(from, Math.min(to, from + room));
    this.#carried = this.#carried.length === 0 ? piece : Buffer.concat([this.#carried, piece]);
  }

  /** The line that ends at `to` in the chunk, and stands there from `from` on unless it was carried. */
  #line(
    chunk: Buffer,
    { from, to, width, bareCr }: { from: number; to: number; width: number; bareCr: boolean },
  ): Line {
    if (this.#carried.length > 0) {
      this.#carry(chunk, from, to);
      return this.#carriedLine(this.#at + to, width, bareCr);
    }
    const place = this.#place(this.#at + to, width, bareCr);
    return new Line(place, chunk, from, Math.min(to, from + headBytesMax));
  }

  #carriedLine(end: number, width: number, bareCr = false): Line {
    const carried = this.#carried;
    this.#carried = nothing;
    return new Line(this.#place(end, width, bareCr), carried, 0, carried.length);
  }

  #place(end: number, width: number, bareCr: boolean): Place {
    const place = {
      start: this.#start,
      end,
      next: end + width,
      bareCr,
      afterBareCr: this.#afterBareCr,
    };
    this.#start = place.next;
    this.#afterBareCr = bareCr;
    return place;
  }
}

/** The start of the line so many before that of the byte at `to`; `from`, where there are not as many. */
function startBefore(chunk: Buffer, from: number, to: number): number {
  let missing = linesBefore;
  for (let at = to - 1; at >= from; at--) {
    const byte = chunk[at];
    const isEnd = byte === LF || (byte === CR && chunk[at + 1] !== LF);
    if (isEnd && missing-- === 0) return at + 1;
  }
  return from;
}
