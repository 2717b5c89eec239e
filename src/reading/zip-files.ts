/**
 * Finds the files of a Zip (APPNOTE.TXT) that its central directory does not list, or all where that
 * is cut off, or not where it is said to be. 7-Zip and who reads Zips as streams open those; clamd
 * opens what is listed, and says OK of the rest.
 */
import type { FoundList } from './found-list.ts';
import type { Step } from './recipe.ts';

const mark = Buffer.from('PK');
/** APPNOTE §4.3.7, §4.3.12, §4.3.14, §4.3.16: signatures behind the mark, and bytes of their records. */
const local = 0x0403;
const central = 0x0201;
const directoryEnd64 = 0x0606;
const directoryEnd = 0x0605;
const recordBytes: Readonly<Record<number, number>> = {
  [local]: 30,
  [central]: 46,
  [directoryEnd64]: 56,
  [directoryEnd]: 22,
};
const recordBytesMax = 56;
/** In their stead Zip64 has others (APPNOTE §4.4.1.4). */
const elsewhere32 = 0xffffffff;
const elsewhere16 = 0xffff;
/** Files of one Zip that are told apart, as many as it can have without Zip64. */
const filesMax = 65_535;
/** Of those that it does not list as many are read. */
const unlistedMax = 64;
const stored = 0;
const deflated = 8;

interface PackedFile {
  readonly at: number;
  readonly from: number;
  readonly method: number;
  /** Zero where it is told behind the data only. */
  readonly bytes: number;
}

/** An entry of the directory: where it is itself, and the file. */
interface ListedFile {
  readonly entryAt: number;
  readonly at: number;
  readonly bytes: number;
}

/** Behind the directory: where that is said to begin, and of how many files. */
interface DirectoryEnd {
  readonly at: number;
  readonly from: number;
  readonly count: number;
}

export class ZipFilesFinder {
  readonly #found: FoundList;
  /** What was read last, where a record may have begun; and the offset behind it. */
  #tail: Buffer = Buffer.alloc(0);
  #at = 0;
  #isZip: boolean | undefined;
  readonly #files: PackedFile[] = [];
  readonly #listed: ListedFile[] = [];
  /** The last one counts: those before are of Zips in it. */
  #end: DirectoryEnd | undefined;
  #end64: Pick<DirectoryEnd, 'from' | 'count'> | undefined;

  constructor(found: FoundList) {
    this.#found = found;
  }

  feed(chunk: Buffer): void {
    if (this.#isZip === false) return;
    const bytes = Buffer.concat([this.#tail, chunk]);
    this.#at += chunk.length;
    this.#isZip ??= bytes.length < 4 ? undefined : isRecord(bytes, 0, local);
    if (this.#isZip === true) this.#records(bytes, bytes.length - recordBytesMax);
    else this.#tail = bytes;
  }

  end(): void {
    if (this.#isZip !== true) return;
    this.#records(this.#tail, this.#tail.length);
    const unlisted = this.#unlisted();
    if (unlisted.length > unlistedMax) {
      this.#found.exceeded ??= `more than ${unlistedMax} files that a Zip does not list`;
    }
    for (const index of unlisted.slice(0, unlistedMax)) this.#add(index);
  }

  /** Takes those that begin before `end`, and keeps what is behind that. */
  #records(bytes: Buffer, end: number): void {
    const origin = this.#at - bytes.length;
    let at = bytes.indexOf(mark);
    for (; at !== -1 && at < end; at = bytes.indexOf(mark, at + 1)) {
      this.#record(bytes.subarray(at, at + recordBytesMax), origin + at);
    }
    this.#tail = Buffer.from(bytes.subarray(Math.max(0, end)));
  }

  #record(bytes: Buffer, at: number): void {
    const signature = bytes.length < 4 ? 0 : bytes.readUInt16LE(2);
    if (bytes.length < (recordBytes[signature] ?? Infinity)) return;
    if (signature === directoryEnd) this.#directoryEnd(bytes, at);
    else if (signature === directoryEnd64) {
      const [count, from] = [bytes.readUInt32LE(32), bytes.readUInt32LE(48)];
      this.#end64 = { from, count };
    } else if (Math.max(this.#files.length, this.#listed.length) >= filesMax) {
      this.#found.exceeded ??= `more than ${filesMax} files in a Zip`;
    } else if (signature === central) {
      const file = { at: bytes.readUInt32LE(42), bytes: bytes.readUInt32LE(20) };
      this.#listed.push({ entryAt: at, ...file });
    } else {
      const from = at + 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
      const packed = bytes.readUInt32LE(18);
      this.#files.push({ at, from, method: bytes.readUInt16LE(8), bytes: packed });
    }
  }

  #directoryEnd(bytes: Buffer, at: number): void {
    const [count, from] = [bytes.readUInt16LE(10), bytes.readUInt32LE(16)];
    this.#end = {
      at,
      from: from === elsewhere32 ? (this.#end64?.from ?? from) : from,
      count: count === elsewhere16 ? (this.#end64?.count ?? count) : count,
    };
  }

  /** None where the directory is not whole, and where it is said to be. */
  get #inDirectory(): ListedFile[] {
    const { at: end, from, count } = this.#end ?? { at: 0, from: 0, count: 0 };
    const listed = this.#listed.filter(({ entryAt }) => entryAt >= from && entryAt < end);
    return listed[0]?.entryAt === from && listed.length === count ? listed : [];
  }

  /** A Zip in it has files of its own, which are its business. */
  #unlisted(): number[] {
    const listed = new Map(this.#inDirectory.map(({ at, bytes }) => [at, bytes]));
    let end = 0;
    return this.#files.flatMap(({ at, from, bytes }, index) => {
      const own = listed.get(at);
      if (own === undefined) return at >= end ? [index] : [];
      end = Math.max(end, from + (bytes > 0 ? bytes : own));
      return [];
    });
  }

  #add(index: number): void {
    const { from = 0, method = 0, bytes = 0 } = this.#files[index] ?? {};
    if (method !== stored && method !== deflated) {
      if (!isMethod(method)) return;
      this.#found.exceeded ??= `a file that a Zip does not list, packed by method ${method}`;
      return;
    }
    const following = this.#files[index + 1]?.at ?? this.#end?.from;
    const to = bytes > 0 ? from + bytes : following;
    const decoder = method === stored ? 'as it stands' : 'deflated, as gzip';
    const steps: readonly Step[] = [{ from, to, decoder }];
    const why = 'a file that the directory of a Zip does not list';
    this.#found.add({ steps, why, odd: true, declared: 'other' });
  }
}

/** APPNOTE §4.4.5 has these; a record of others is none. */
function isMethod(method: number): boolean {
  return method <= 20 || (method >= 93 && method <= 99);
}

function isRecord(bytes: Buffer, at: number, signature: number): boolean {
  return bytes.indexOf(mark, at) === at && bytes.readUInt16LE(at + mark.length) === signature;
}
