/** Small archives and documents, locked or not, made byte by byte. */

import { crc32 } from 'node:zlib';

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2));
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

export interface ZipFile {
  readonly name: string;
  readonly localName?: string;
  readonly localFlags?: number;
  readonly centralFlags?: number;
  readonly method?: number;
  readonly extra?: Buffer;
}

/** APPNOTE.TXT, with content that nobody looks at. */
export function zip(...files: readonly ZipFile[]): Buffer {
  const content = Buffer.from('content');
  const local = files.map(({ name, localName = name, localFlags = 0, method = 8, extra }) => {
    const more = extra ?? Buffer.alloc(0);
    const lengths = u16(Buffer.byteLength(localName), more.length);
    const head = [Buffer.from('PK\x03\x04'), u16(20, localFlags, method, 0, 0), u32(0)];
    const sizes = [u32(content.length), u32(content.length), lengths];
    return Buffer.concat([...head, ...sizes, Buffer.from(localName), more, content]);
  });
  const offsets = local.map((_, at) => Buffer.concat(local.slice(0, at)).length);
  const central = files.map(({ name, centralFlags = 0, method = 8 }, at) =>
    Buffer.concat([
      Buffer.from('PK\x01\x02'),
      u16(20, 20, centralFlags, method, 0, 0),
      ...[u32(0), u32(content.length), u32(content.length), u16(Buffer.byteLength(name))],
      ...[u16(0, 0, 0, 0), u32(0), u32(offsets[at] ?? 0), Buffer.from(name)],
    ]),
  );
  const [from, size] = [Buffer.concat(local).length, Buffer.concat(central).length];
  const counts = u16(0, 0, files.length, files.length);
  const end = [Buffer.from('PK\x05\x06'), counts, u32(size), u32(from), u16(0)];
  return Buffer.concat([...local, ...central, ...end]);
}

export interface RarFile {
  readonly name: string;
  readonly encrypted?: boolean;
  /** In RAR 4, what stands behind the name and NUL: its Unicode name, in hexadecimal digits. */
  readonly packedName?: string;
}

/** A block that is no file. */
export interface RarBlock {
  readonly type: number;
  /** In RAR 5, from its flags on. */
  readonly body?: readonly number[];
}

/** RAR 4 as its technical note has it; checksums are left out. */
export function rar4(files: readonly (RarFile | RarBlock)[], headersEncrypted = false): Buffer {
  const main = Buffer.concat([
    u16(0),
    Buffer.from([0x73]),
    u16(headersEncrypted ? 0x80 : 0, 13),
    Buffer.alloc(6),
  ]);
  const packed = Buffer.from('packed bytes');
  const blocks = files.map((file) => {
    if ('type' in file) return Buffer.concat([u16(0), Buffer.from([file.type]), u16(0x4000, 7)]);
    const { encrypted = false, packedName } = file;
    const flags = 0x8000 | (encrypted ? 4 : 0) | (packedName === undefined ? 0 : 0x200);
    const unicode = packedName === undefined ? '' : `00${packedName}`;
    const name = Buffer.concat([Buffer.from(file.name), Buffer.from(unicode, 'hex')]);
    return Buffer.concat([
      ...[u16(0), Buffer.from([0x74]), u16(flags, 32 + name.length)],
      ...[u32(packed.length), u32(packed.length), Buffer.alloc(11), u16(name.length)],
      ...[Buffer.alloc(4), name, packed],
    ]);
  });
  const end = Buffer.concat([u16(0), Buffer.from([0x7b]), u16(0x4000, 7)]);
  const rest = headersEncrypted ? [Buffer.alloc(64, 0x55)] : [...blocks, end];
  return Buffer.concat([Buffer.from('Rar!\x1a\x07\x00', 'latin1'), main, ...rest]);
}

/** RAR 5 as its technical note has it; checksums are left out. */
export function rar5(files: readonly (RarFile | RarBlock)[], headersEncrypted = false): Buffer {
  const block = (body: readonly number[]): Buffer =>
    Buffer.concat([u32(0), Buffer.from([body.length]), Buffer.from(body)]);
  const start = Buffer.from('Rar!\x1a\x07\x01\x00', 'latin1');
  if (headersEncrypted) return Buffer.concat([start, block([4, 0, 0, 0, 15]), Buffer.alloc(64, 7)]);
  const packed = Buffer.from('packed bytes');
  const blocks = files.flatMap((file) => {
    if ('type' in file) return [block([file.type, ...(file.body ?? [4, 1])])];
    const { name, encrypted = false } = file;
    const extra = encrypted ? [3, 1, 0, 15] : [];
    const head = encrypted ? [2, 3, extra.length, packed.length] : [2, 2, packed.length];
    const rest = [0, packed.length, 0x20, 0, 1, name.length, ...Buffer.from(name), ...extra];
    return [block([...head, ...rest]), packed];
  });
  return Buffer.concat([start, block([1, 0, 0]), ...blocks, block([5, 0, 0])]);
}

/** A 7z archive with this header, and what stands in front of it. */
export function sevenZip(header: Buffer, packed: Buffer = Buffer.from('packed bytes')): Buffer {
  const start = Buffer.concat([u64(packed.length), u64(header.length), u32(0)]);
  const mark = Buffer.from('377abcaf271c0004', 'hex');
  return Buffer.concat([mark, u32(crc32(start)), start, packed, header]);
}

/** The start of a 7z archive that was never finished: a version, and zeros. */
export function unfinishedSevenZip(): Buffer {
  return Buffer.concat([Buffer.from('377abcaf271c0004', 'hex'), Buffer.alloc(24)]);
}

/** A header of 7z that is not packed: one coder, and the names of its files. */
export function sevenZipHeader(names: readonly string[], coder = '21'): Buffer {
  const id = Buffer.from(coder, 'hex');
  const text = Buffer.from(names.map((name) => `${name}\0`).join(''), 'utf16le');
  const streams = [
    0x04,
    0x06,
    0x00,
    0x01,
    0x09,
    0x0c,
    0x00,
    0x07,
    0x0b,
    0x01,
    0x00,
    0x01,
    id.length,
  ];
  const folder = [...id, 0x0c, 0x0c, 0x00, 0x00, 0x05, names.length, 0x11];
  const size = text.length + 1;
  const length = size < 0x80 ? [size] : [0x80 | (size >> 8), size & 0xff];
  return Buffer.from([0x01, ...streams, ...folder, ...length, 0x00, ...text, 0x00, 0x00]);
}

/** A header of 7z that is packed with LZMA at the archive's start. */
export function sevenZipPackedHeader(packed: number, unpacked: number, properties: Buffer): Buffer {
  const number = (value: number): number[] =>
    value < 0x80 ? [value] : [0x80 | (value >> 8), value & 0xff];
  const pack = [0x06, 0x00, 0x01, 0x09, ...number(packed), 0x00];
  const coder = [0x23, 0x03, 0x01, 0x01, 0x05, ...properties];
  const folder = [0x07, 0x0b, 0x01, 0x00, 0x01, ...coder, 0x0c, ...number(unpacked), 0x00, 0x00];
  return Buffer.from([0x17, ...pack, ...folder]);
}

export function pdf(trailer: string): Buffer {
  const object = '1 0 obj\n<< /Type /Catalog /Title (About /Encryption) >>\nendobj\n';
  return Buffer.from(`%PDF-1.7\n${object}${trailer}\nstartxref\n9\n%%EOF\n`);
}

export interface OleContent {
  /** Names of streams in the directory. */
  readonly streams?: readonly string[];
  /** What begins at a sector. */
  readonly sectors?: readonly Buffer[];
}

/** A compound file: a header, the directory, and sectors. */
export function ole({ streams = [], sectors = [] }: OleContent): Buffer {
  const sector = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes, Buffer.alloc(512)]).subarray(0, 512);
  const entries = ['Root Entry', ...streams].map((name) => {
    const entry = Buffer.alloc(128);
    entry.write(name, 'utf16le');
    entry.writeUInt16LE((name.length + 1) * 2, 64);
    return entry;
  });
  const directory = sector(Buffer.concat(entries));
  const magic = Buffer.from('d0cf11e0a1b11ae1', 'hex');
  return Buffer.concat([sector(magic), directory, ...sectors.map(sector)]);
}

/** The start of a Word document, with these flags. */
export function wordFib(flags: number): Buffer {
  return u16(0xa5ec, 0x00c1, 0, 0x0409, 0, flags);
}

/** The start of a workbook: BOF, and the records that follow it. */
export function workbook(...records: readonly number[]): Buffer {
  const bof = Buffer.concat([u16(0x0809, 16, 0x0600, 0x0005), Buffer.alloc(12)]);
  return Buffer.concat([bof, ...records.map((record) => u16(record, 0))]);
}

export interface TarFile {
  readonly name: string;
  readonly prefix?: string;
  readonly type?: string;
  readonly data?: Buffer;
  /** That the header tells, where it is not that of the data. */
  readonly size?: number;
  /** Whether its checksum takes bytes for numbers with a sign, as some programs do. */
  readonly signed?: boolean;
}

/** POSIX.1-1988 ustar; names as latin1. */
export function tar(...files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap((file) => {
    const { name, prefix = '', type = '0', data = Buffer.from('x'), size = data.length } = file;
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write(size.toString(8).padStart(11, '0'), 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\x0000', 257);
    header.write(prefix, 345);
    const numbers = Array.from(file.signed === true ? new Int8Array(header) : header);
    const sum = numbers.reduce((total, number) => total + number, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
    return [header, data, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** An S/MIME message as it begins: a sequence, and what it says it is. */
export function cms(type: 'signed' | 'enveloped'): Buffer {
  const oid = `06092a864886f70d0107${type === 'signed' ? '02' : '03'}`;
  return Buffer.concat([Buffer.from(`30820100${oid}a0`, 'hex'), Buffer.alloc(250, 1)]);
}

/** An OpenPGP message in armour, whose first packet has this tag. */
export function pgp(tag: number): Buffer {
  const body = Buffer.from([0xc0 | tag, 20, 3, ...Buffer.alloc(20, 1)]).toString('base64');
  const [begin, end] = ['BEGIN', 'END'].map((word) => `-----${word} PGP MESSAGE-----`);
  return Buffer.from(`${begin ?? ''}\r\nVersion: x\r\n\r\n${body}\r\n${end ?? ''}\r\n`);
}
