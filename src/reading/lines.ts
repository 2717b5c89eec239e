/**
 * Cuts bytes into lines as the most lenient reader does: CRLF, a bare LF and a bare CR each end
 * one. Nobody who takes fewer of them for line ends finds a line start that is missing here.
 */

export interface Line {
  /** Offsets: of its first byte, behind its last, of the next line's first. */
  readonly start: number;
  readonly end: number;
  readonly next: number;
  /** It ends with a CR alone, which many readers take for nothing. */
  readonly bareCr: boolean;
  /** The line before it did. */
  readonly afterBareCr: boolean;
  /** The line, or the first `headBytesMax` bytes of it. */
  readonly head: Buffer;
}

/** What is kept of a line. RFC 5322 §2.1.1 allows 998 bytes. */
export const headBytesMax = 16 * 1024;

const LF = 0x0a;
const CR = 0x0d;

export class LineCutter {
  readonly #take: (line: Line) => void;
  #start = 0;
  #afterBareCr = false;
  /** The offset of the next chunk's first byte. */
  #at = 0;
  /** What came of the line in earlier chunks. */
  #carried: Buffer = Buffer.alloc(0);
  /** A CR was the last byte; its LF may follow. */
  #afterCr = false;

  constructor(take: (line: Line) => void) {
    this.#take = take;
  }

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let from = 0;
    if (this.#afterCr) from = this.#finishCr(chunk);
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte !== LF && byte !== CR) continue;
      this.#carry(chunk, from, at);
      if (byte === CR && at + 1 === chunk.length) {
        this.#afterCr = true;
        from = chunk.length;
        break;
      }
      const width = byte === CR && chunk[at + 1] === LF ? 2 : 1;
      this.#emit(this.#at + at, width, byte === CR && width === 1);
      at += width - 1;
      from = at + 1;
    }
    this.#carry(chunk, from, chunk.length);
    this.#at += chunk.length;
  }

  end(): void {
    if (this.#afterCr) this.#emit(this.#at - 1, 1, true);
    else if (this.#start < this.#at) this.#emit(this.#at, 0);
    this.#afterCr = false;
  }

  /** @returns where in the chunk the next line starts. */
  #finishCr(chunk: Buffer): number {
    this.#afterCr = false;
    const width = chunk[0] === LF ? 2 : 1;
    this.#emit(this.#at - 1, width, width === 1);
    return width - 1;
  }

  #carry(chunk: Buffer, from: number, to: number): void {
    const room = headBytesMax - this.#carried.length;
    if (to <= from || room <= 0) return;
    const piece = chunk.subarray(from, Math.min(to, from + room));
    this.#carried = this.#carried.length === 0 ? piece : Buffer.concat([this.#carried, piece]);
  }

  #emit(end: number, width: number, bareCr = false): void {
    const ends = { start: this.#start, end, next: end + width };
    const line = { ...ends, bareCr, afterBareCr: this.#afterBareCr, head: this.#carried };
    this.#start = line.next;
    this.#afterBareCr = bareCr;
    this.#carried = line.head.subarray(0, 0);
    this.#take(line);
  }
}
