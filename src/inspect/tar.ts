/** tar (POSIX ustar and pax, GNU's long names): the names of its files. */
import type { Block, Look } from './blocks.ts';
import type { Notes } from './notes.ts';

const recordBytes = 512;

export class TarLook implements Look {
  readonly #notes: Notes;
  /** Offset of the next header; Infinity when there is none. */
  #next = 0;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** Whether no more names will come. */
  get isOver(): boolean {
    return this.#next === Infinity;
  }

  look({ bytes, at, fresh }: Block): void {
    while (this.#next - at < fresh) {
      const from = this.#next - at;
      const header = bytes.subarray(from, from + recordBytes);
      if (!isHeader(header)) {
        this.#next = Infinity;
        return;
      }
      const size = numberIn(header, 124, 12);
      const data = bytes.subarray(from + recordBytes, from + recordBytes + size);
      this.#file(header, data, size);
      this.#next += recordBytes + Math.ceil(size / recordBytes) * recordBytes;
    }
  }

  #file(header: Buffer, data: Buffer, size: number): void {
    const type = String.fromCharCode(header[156] ?? 0);
    if (/[LKxg]/.test(type) && data.length < size) this.#notes.incomplete ??= 'a very long name';
    if (type === 'L') this.#notes.entry(upToNul(data));
    else if (type === 'x' || type === 'g') this.#pax(data);
    else if (type !== 'K') {
      const name = upToNul(header.subarray(0, 100));
      const prefix = isUstar(header) ? upToNul(header.subarray(345, 500)) : Buffer.alloc(0);
      const parts = prefix.length > 0 ? [prefix, Buffer.from('/'), name] : [name];
      this.#notes.entry(Buffer.concat(parts));
    }
  }

  /** Records of 'length key=value' in lines; the values of names hold no line end but in malice. */
  #pax(data: Buffer): void {
    for (const [, path = ''] of data.toString('latin1').matchAll(/(?:^|\n)\d+ path=([^\n]*)/g)) {
      this.#notes.entry(Buffer.from(path, 'latin1'));
    }
  }
}

/** Whether a checksum says so; it is counted with blanks in its own place. */
function isHeader(header: Buffer): boolean {
  if (header.length < recordBytes || header[0] === 0) return false;
  let sum = 0;
  header.forEach((byte, index) => {
    sum += index >= 148 && index < 156 ? 0x20 : byte;
  });
  return numberIn(header, 148, 8) === sum;
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
