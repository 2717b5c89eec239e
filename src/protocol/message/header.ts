/**
 * The header section of a message (RFC 5322 §2.1), as bytes: where it ends, its fields, and the two
 * names that a message is known by. It decodes nothing and judges nothing. Lines end with CRLF and
 * nothing else; a bare CR or LF is part of its line.
 */
import { topReceived } from './received.ts';

const crlf = '\r\n';
const endOfSection = '\r\n\r\n';

/**
 * Sets the header section apart while the message arrives. The section goes up to and including
 * the empty line that ends it; a message without an empty line is all header section.
 */
export class HeaderCollector {
  readonly #bytesMax: number;
  /** What there is of the section is its first `#length` bytes. */
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Whether the buffer is ours to write to, not a view on a chunk. */
  #owned = false;
  #over = false;
  /** The last bytes that were pushed. A message that begins with CRLF has an empty section. */
  #tail = Buffer.from(crlf);
  #tooLarge = false;

  /** @param bytesMax limits.headerBytesMax: what the section may take, its empty line included. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether the whole section is here. */
  get over(): boolean {
    return this.#over;
  }

  /** The section is larger than it may be; nothing more is kept of it. */
  get tooLarge(): boolean {
    return this.#tooLarge;
  }

  /** The section once it is over, until then what there is of it. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  push(chunk: Buffer): void {
    if (this.#over || this.#tooLarge) return;
    const end = this.#endIn(chunk);
    this.#keep(end === undefined ? chunk : chunk.subarray(0, end));
    if (end !== undefined) this.end();
    else this.#tail = Buffer.concat([this.#tail, chunk.subarray(-3)]).subarray(-3);
  }

  /** The message is over, and with it the section. */
  end(): void {
    this.#over = !this.#tooLarge;
  }

  /** Where in `chunk` the section ends. Each byte is looked at once, but for three at each seam. */
  #endIn(chunk: Buffer): number | undefined {
    const seam = Buffer.concat([this.#tail, chunk.subarray(0, 3)]);
    const atSeam = seam.indexOf(endOfSection);
    if (atSeam >= 0) return atSeam + endOfSection.length - this.#tail.length;
    const inside = chunk.indexOf(endOfSection);
    return inside >= 0 ? inside + endOfSection.length : undefined;
  }

  #keep(piece: Buffer): void {
    const length = this.#length + piece.length;
    this.#tooLarge = length > this.#bytesMax;
    if (this.#tooLarge) {
      this.#buffer = Buffer.alloc(0);
      this.#length = 0;
      return;
    }
    // A section that comes in one chunk, as most do, is not copied.
    if (this.#length === 0) this.#buffer = piece;
    else this.#append(piece);
    this.#length = length;
  }

  #append(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (!this.#owned || this.#buffer.length < length) {
      const larger = Buffer.allocUnsafeSlow(2 * length);
      this.bytes.copy(larger);
      this.#buffer = larger;
      this.#owned = true;
    }
    piece.copy(this.#buffer, this.#length);
  }
}

/** Of a field or a line, with its folded continuation lines. */
export interface Place {
  /** Where its first byte lies in the header section. */
  readonly start: number;
  /** Where the byte after its last CRLF lies. */
  readonly end: number;
}

export interface Field extends Place {
  /** As it is written. */
  readonly name: string;
  /** What follows the colon, unfolded (RFC 5322 §2.2.3): its CRLFs are taken out, blanks stay. */
  readonly value: string;
}

/**
 * The fields of a header section, in order. A line that no parser takes as a field is skipped with
 * its continuation lines: a name of printable ASCII, then at most blanks, then a colon is a field
 * (RFC 5322 §2.2, and §4.5 for the blanks).
 */
export function* fields(header: Buffer): Generator<Field> {
  for (const line of foldedLines(header)) {
    const field = fieldIn(header, line);
    if (field) yield field;
  }
}

/** Those whose name begins with `letter`, in either case; the others cost next to nothing. */
function* fieldsBeginning(header: Buffer, letter: string): Generator<Field> {
  for (const line of foldedLines(header)) {
    const field = beginsWith(header, line.start, letter) ? fieldIn(header, line) : undefined;
    if (field) yield field;
  }
}

function fieldIn(header: Buffer, { start, end }: Place): Field | undefined {
  const colon = colonIn(header, start, end);
  if (colon < 0) return undefined;
  const name = /^([!-9;-~]+)[ \t]*$/.exec(header.toString('latin1', start, colon))?.[1];
  return name === undefined ? undefined : new FieldInHeader(header, name, { start, colon, end });
}

/**
 * The fields with any of these names, in lower case, as the most lenient of readers has them:
 * whatever stands before a colon is a name, and CR, LF, NUL and blanks count for nothing in it.
 */
export function* lenientFields(header: Buffer, names: readonly string[]): Generator<Place> {
  const letters = names.map((name) => name.charAt(0));
  for (const { start, end } of foldedLines(header)) {
    let first = start;
    while (countsForNothing(header[first])) first++;
    if (!letters.some((letter) => beginsWith(header, first, letter))) continue;
    const colon = colonIn(header, first, end);
    if (colon < 0) continue;
    const name = header.toString('latin1', first, colon).replace(/[\r\n\0 \t]/g, '');
    if (names.includes(name.toLowerCase())) yield { start, end };
  }
}

function countsForNothing(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x0d || byte === 0x0a || isBlank(byte);
}

/** @param letter in lower case. */
function beginsWith(header: Buffer, at: number, letter: string): boolean {
  return ((header[at] ?? 0) | 0x20) === letter.charCodeAt(0);
}

/** The Message-ID as it is written ('<a@b>'); undefined when there is none, or no sane one. */
export function messageId(header: Buffer): string | undefined {
  for (const { name, value, start, end } of fieldsBeginning(header, 'm')) {
    if (name.toLowerCase() !== 'message-id') continue;
    const id = value.trim();
    if (id.length === 0 || id.length > lineLengthMax) return undefined;
    // Its own text, where a view would keep a large field in memory.
    return end - start > 2 * lineLengthMax ? Buffer.from(id).toString() : id;
  }
  return undefined;
}

/** RFC 5322 §2.1.1 */
const lineLengthMax = 998;

/**
 * The queue id that Postfix wrote into the Received field at the very top of the message. A
 * message whose first line is anything else has none, whatever stands further down.
 */
export function topReceivedQueueId(header: Buffer): string | undefined {
  const [first] = fields(header);
  if (first?.start !== 0 || first.name.toLowerCase() !== 'received') return undefined;
  if (first.end > receivedBytesMax) return undefined;
  return topReceived(header.toString('latin1', 0, first.end));
}

/** Far above what Postfix writes; it keeps the work for a forged one small. */
const receivedBytesMax = 16 * 1024;

/** Each line with the lines that continue it: those that begin with a blank (RFC 5322 §2.2.3). */
function* foldedLines(header: Buffer): Generator<Place> {
  let start = 0;
  while (start < header.length) {
    let end = endOfLine(header, start);
    // The empty line that ends the section is no line of it.
    if (header[start] === 0x0d && header[start + 1] === 0x0a) return;
    while (isBlank(header[end])) end = endOfLine(header, end);
    yield { start, end };
    start = end;
  }
}

/** Byte by byte: a call out of JavaScript for each of a million short lines takes a second. */
function endOfLine(header: Buffer, from: number): number {
  for (let at = from + 1; at < header.length; at++) {
    if (header[at] === 0x0a && header[at - 1] === 0x0d) return at + 1;
  }
  return header.length;
}

/** -1 when there is none. */
function colonIn(header: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) if (header[at] === 0x3a) return at;
  return -1;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Its value is made only when somebody asks for it: most fields are only passed over. */
class FieldInHeader implements Field {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly #header: Buffer;
  readonly #colon: number;

  constructor(header: Buffer, name: string, at: { start: number; colon: number; end: number }) {
    this.name = name;
    this.start = at.start;
    this.end = at.end;
    this.#header = header;
    this.#colon = at.colon;
  }

  get value(): string {
    return this.#header.toString('utf8', this.#colon + 1, this.end).replaceAll(crlf, '');
  }
}
