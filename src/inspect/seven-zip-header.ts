/** The header of a 7z archive: how it is packed, and the names in it. */

/** Where a packed header lies, and how it is to be unpacked. */
export interface PackedHeader {
  /** Offset behind the archive's start. */
  readonly from: number;
  readonly size: number;
  /** Of LZMA. */
  readonly properties: Buffer;
  readonly unpackedBytes: number;
}

const kNames = 0x11;
const kPackInfo = 0x06;
const kUnpackInfo = 0x07;
const kSize = 0x09;
const kFolder = 0x0b;
const kUnpackSize = 0x0c;
const kEncodedHeader = 0x17;
const lzma = '030101';

/** @returns undefined for one that is not packed; 'unknown' where it cannot be told how. */
export function packedHeader(bytes: Buffer): PackedHeader | 'unknown' | undefined {
  if (bytes[0] !== kEncodedHeader) return undefined;
  const fields = new Reader(bytes, 1);
  if (fields.number() !== kPackInfo) return 'unknown';
  const from = fields.number();
  if (fields.number() !== 1 || fields.number() !== kSize) return 'unknown';
  const size = fields.number();
  // Perhaps with checksums.
  if (!fields.skipTo(kUnpackInfo) || fields.number() !== kFolder) return 'unknown';
  const isOne = fields.number() === 1 && fields.number() === 0 && fields.number() === 1;
  const properties = isOne ? lzmaProperties(fields) : undefined;
  if (properties === undefined || fields.number() !== kUnpackSize) return 'unknown';
  return { from, size, properties, unpackedBytes: fields.number() };
}

/** Of the only coder: a byte of flags and the length of its name, the name, its properties. */
function lzmaProperties(fields: Reader): Buffer | undefined {
  const flags = fields.number();
  const name = fields.bytes(flags & 0x0f).toString('hex');
  if (name !== lzma || (flags & 0x30) !== 0x20) return undefined;
  return fields.bytes(fields.number());
}

/** What the places come to that can hold names, as times the header. */
const repeatsMax = 4;

/**
 * The names in a header that is not packed. What stands before them depends on all the rest of
 * it, so each place is taken that can hold names: one byte, their length, and the names to its end. They
 * may overlap, where one of them only looks so.
 *
 * @returns whether these are all places, too.
 */
export function namesIn(header: Buffer): { readonly names: Buffer[]; readonly isSure: boolean } {
  const names: Buffer[] = [];
  let left = repeatsMax * header.length;
  for (let at = header.indexOf(kNames); at !== -1; at = header.indexOf(kNames, at + 1)) {
    const text = textAt(new Reader(header, at + 1));
    if (text === undefined) continue;
    left -= text.length;
    if (left < 0) return { names, isSure: false };
    names.push(
      ...text
        .toString('utf16le')
        .split('\0')
        .map((name) => Buffer.from(name)),
    );
  }
  return { names, isSure: true };
}

/** Undefined where there are no names. */
function textAt(fields: Reader): Buffer | undefined {
  const size = fields.number();
  const isHere = fields.number() === 0;
  const text = fields.bytes(size - 1);
  const isText = isHere && size > 2 && size % 2 === 1 && text.length === size - 1;
  return isText && text.readUInt16LE(text.length - 2) === 0 ? text : undefined;
}

/** 7z writes a number in as many bytes as the first one has leading ones, and one more. */
class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  number(): number {
    const first = this.#bytes[this.#at++] ?? 0;
    let value = 0;
    for (let more = 0; more < 8; more++) {
      const mask = 0x80 >> more;
      if ((first & mask) === 0) return value + (first & (mask - 1)) * 2 ** (8 * more);
      value += (this.#bytes[this.#at++] ?? 0) * 2 ** (8 * more);
    }
    return value;
  }

  bytes(count: number): Buffer {
    const some = this.#bytes.subarray(this.#at, this.#at + Math.max(0, count));
    this.#at += some.length;
    return some;
  }

  /** Goes behind the next byte of this value. */
  skipTo(value: number): boolean {
    const at = this.#bytes.indexOf(value, this.#at);
    this.#at = at + 1;
    return at !== -1;
  }
}
