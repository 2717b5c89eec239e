/**
 * Content made ready to follow 354: dots stuffed byte-exactly (RFC 5321 §4.5.2), and the end of
 * data. Only a dot at the start or behind a CRLF is at the start of a line; nothing else changes.
 */

import { SliceList } from './slice-list.ts';

/** What the last byte leaves behind. */
type Position = 'line-start' | 'cr' | 'text';

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const crlfDot = Buffer.from('\r\n.');

export class DataEncoder {
  #position: Position = 'line-start';

  /** @returns the chunk as it goes out, in slices that share its bytes. */
  encode(chunk: Buffer): readonly Buffer[] {
    const stuffed = new SliceList(2 * chunk.length);
    let kept = 0;
    // A dot is doubled by ending one slice behind it and beginning the next one before it.
    for (let dot = this.#firstDot(chunk); dot !== -1; dot = nextDot(chunk, dot)) {
      stuffed.add(chunk, kept, dot + 1);
      kept = dot;
    }
    stuffed.add(chunk, kept, chunk.length);
    this.#position = this.#after(chunk);
    return stuffed.slices;
  }

  /** The end of data, with a CRLF before it where the content did not end in one. */
  end(): Buffer {
    return Buffer.from(this.#position === 'line-start' ? '.\r\n' : '\r\n.\r\n');
  }

  /** The first dot that stands at the start of a line, or -1. */
  #firstDot(chunk: Buffer): number {
    if (this.#position === 'line-start' && chunk[0] === DOT) return 0;
    if (this.#position === 'cr' && chunk[0] === LF && chunk[1] === DOT) return 1;
    return nextDot(chunk, 0);
  }

  #after(chunk: Buffer): Position {
    const last = chunk.at(-1);
    if (last === undefined) return this.#position;
    if (last === CR) return 'cr';
    const crBefore = chunk.length > 1 ? chunk.at(-2) === CR : this.#position === 'cr';
    return last === LF && crBefore ? 'line-start' : 'text';
  }
}

/** The first dot behind a CRLF at or after `from`, or -1. */
function nextDot(chunk: Buffer, from: number): number {
  const found = chunk.indexOf(crlfDot, from);
  return found === -1 ? -1 : found + crlfDot.length - 1;
}
