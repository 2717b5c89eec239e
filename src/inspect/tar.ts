/** tar (POSIX ustar and pax, GNU's long names): the names of its files. */
import type { Block, Look } from './blocks.ts';
import type { Notes } from './notes.ts';

const recordBytes = 512;
const slash = 0x2f;

export class TarLook implements Look {
  readonly #notes: Notes;
  /** Offset of the next record; Infinity where the first one was no header. */
  #next = 0;
  /** Where the next header has to be by the sizes in headers; Infinity where there was none. */
  #expected = 0;
  /** Whether readers go by other sizes. */
  #isDisputed = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** Whether no more names will come. */
  get isOver(): boolean {
    return this.#expected === Infinity && !this.#isDisputed;
  }

  /**
   * Each record that can be a header is one: readers do not agree how far it is to the next. A size in
   * pax counts more than that of the header, and what has no content, such as a link, has no size to many.
   */
  look({ bytes, at, fresh }: Block): void {
    for (; this.#next - at < fresh; this.#next += recordBytes) {
      const from = this.#next - at;
      const header = bytes.subarray(from, from + recordBytes);
      if (isHeader(header)) this.#header(header, bytes.subarray(from + recordBytes));
      else if (this.#next === this.#expected) this.#expected = Infinity;
      if (this.#next === 0 && this.#expected === Infinity) this.#next = Infinity;
    }
  }

  #header(header: Buffer, rest: Buffer): void {
    const size = numberIn(header, 124, 12);
    const records = 1 + Math.ceil(size / recordBytes);
    if (this.#next === this.#expected) this.#expected += records * recordBytes;
    const type = String.fromCharCode(header[156] ?? 0);
    this.#isDisputed ||= size > 0 && !/[0\0 7LKxXgS]/.test(type);
    const data = rest.subarray(0, size);
    if (/[LKxXg]/.test(type) && data.length < size) this.#notes.incomplete ??= 'a very long name';
    if (type === 'L') this.#notes.entry(upToNul(data));
    // Solaris has its own in 'X'.
    else if (/[xXg]/.test(type)) this.#pax(data);
    else if (type !== 'K') this.#file(header, type);
  }

  #file(header: Buffer, type: string): void {
    const name = upToNul(header.subarray(0, 100));
    // A directory may be called `example.com`. Of another type, with a slash, it is a file to Python.
    if (type === '5' && name.at(-1) === slash) return;
    const prefix = isUstar(header) ? upToNul(header.subarray(345, 500)) : Buffer.alloc(0);
    const parts = prefix.length > 0 ? [prefix, Buffer.from('/'), name] : [name];
    this.#notes.entry(Buffer.concat(parts));
  }

  /** Records of 'length key=value' and a line end; the length counts all of that. */
  #pax(data: Buffer): void {
    for (let at = 0; at < data.length;) {
      const digits = /^\d{1,7}(?= )/.exec(data.toString('latin1', at, at + 8))?.[0] ?? '';
      const end = at + Number(digits);
      // Digits, a blank, at least one letter and '=', a line end.
      if (end < at + digits.length + 4) return;
      const record = data.subarray(at + digits.length + 1, end - 1);
      const keyBytes = record.indexOf('=');
      if (keyBytes <= 0) return;
      const key = record.toString('latin1', 0, keyBytes);
      if (nameKeys.has(key)) this.#notes.entry(record.subarray(keyBytes + 1));
      this.#isDisputed ||= key === 'size';
      at = end;
    }
  }
}

/** What the file is called in pax, and by GNU's tar where it has holes. */
const nameKeys: ReadonlySet<string> = new Set(['path', 'GNU.sparse.name']);

/** Whether a checksum says so; it is counted with blanks in its own place, of bytes with or without a sign. */
function isHeader(header: Buffer): boolean {
  if (header.length < recordBytes || header[0] === 0) return false;
  const told = checksumIn(header);
  if (told === undefined) return false;
  let [unsigned, signed] = [0, 0];
  for (const [index, byte] of header.entries()) {
    const counted = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += counted;
    signed += counted < 0x80 ? counted : counted - 0x100;
  }
  return told === unsigned || told === signed;
}

/** Undefined where there is none, which is cheap to see of most records. */
function checksumIn(header: Buffer): number | undefined {
  const field = header.toString('latin1', 148, 156);
  return /^[ \0]*[0-7]+[ \0]*$/.test(field) ? numberIn(header, 148, 8) : undefined;
}

function isUstar(header: Buffer): boolean {
  return header.toString('latin1', 257, 263) === 'ustar\0';
}

/** Octal digits, or GNU's base 256 for what is larger. */
function numberIn(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return field.readUIntBE(length - 6, 6);
  const digits = /^[ \0]*([0-7]+)/.exec(field.toString('latin1'));
  return digits?.[1] === undefined ? 0 : parseInt(digits[1], 8);
}

function upToNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}
