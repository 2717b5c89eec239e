/**
 * Bytes that arrived and are not consumed yet, read as lines or as they are. Every byte is searched
 * and copied a bounded number of times whatever way the input is cut, and a line that grows beyond
 * its ceiling is thrown away while it arrives. It knows nothing of what the lines mean.
 */

export type Line =
  /** `bytes` without the line end; `crlf` is false when that was a LF without a CR before it. */
  | { readonly kind: 'line'; readonly bytes: Buffer; readonly crlf: boolean }
  /** A line above the ceiling has come to its end; its bytes are gone. */
  | { readonly kind: 'too-long' };

const LF = 0x0a;
const CR = 0x0d;
const none: Buffer = Buffer.alloc(0);

export class ReceiveBuffer {
  readonly #lineBytesMax: number;
  /** What is unread is `#bytes` from `#start` to `#end`; what lies behind `#end` is room. */
  #bytes = none;
  #start = 0;
  #end = 0;
  /** Up to here no LF was found. */
  #searched = 0;
  /** The line at the start is already above the ceiling, and its bytes so far are gone. */
  #tooLong = false;

  /** @param lineBytesMax the longest line that is handed out, its line end included. */
  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Unread bytes. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Takes `bytes` over: the caller must not change them afterwards. */
  push(bytes: Buffer): void {
    if (this.length === 0) {
      this.#adopt(bytes, bytes.length);
      return;
    }
    if (this.#end + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    bytes.copy(this.#bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next whole line, consumed; undefined when its end has not arrived. */
  readLine(): Line | undefined {
    const found = this.#filled().indexOf(LF, this.#searched);
    if (found === -1) {
      this.#waitForLineEnd();
      return undefined;
    }
    const tooLong = this.#tooLong || found + 1 - this.#start > this.#lineBytesMax;
    const crlf = found > this.#start && this.#bytes[found - 1] === CR;
    const bytes = this.#bytes.subarray(this.#start, crlf ? found - 1 : found);
    this.#tooLong = false;
    this.consume(found + 1 - this.#start);
    return tooLong ? { kind: 'too-long' } : { kind: 'line', bytes, crlf };
  }

  /** All unread bytes without consuming them; they stay valid and unchanged for good. */
  peek(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  consume(count: number): void {
    this.#start += count;
    this.#searched = this.#start;
    if (this.length === 0) this.#adopt(none, 0);
  }

  /** A Buffer object a line costs more than the search in it. */
  #filled(): Buffer {
    return this.#end === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#end);
  }

  #waitForLineEnd(): void {
    this.#searched = this.#end;
    if (this.length < this.#lineBytesMax && !this.#tooLong) return;
    this.#tooLong = true;
    this.consume(this.length);
  }

  /**
   * A new block of at least twice what is unread, so that each byte is moved and searched again
   * only a few times. Never in place: what was handed out still lies in the old block.
   */
  #grow(room: number): void {
    const unread = this.peek();
    const larger = Buffer.allocUnsafe(2 * unread.length + room);
    unread.copy(larger);
    this.#adopt(larger, unread.length);
  }

  #adopt(bytes: Buffer, end: number): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = end;
    this.#searched = 0;
  }
}
