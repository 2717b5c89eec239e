/**
 * Which byte strings are containers to clamd: what it opens, and inside of which a limit of its own
 * can end the look without a word. The marks are those by which clamd itself knows them
 * (libclamav/filetypes_int.h of 1.4, and what daily.ftm has added since). Mail, uuencode and BinHex
 * are left out: those we take apart ourselves, and each piece is looked at here.
 */

/** Offset, mark, name. */
type Mark = readonly [at: number, mark: Buffer, name: string];

const hex = (at: number, mark: string, name: string): Mark => [at, Buffer.from(mark, 'hex'), name];
const text = (at: number, mark: string, name: string): Mark => [
  at,
  Buffer.from(mark, 'latin1'),
  name,
];

const atPlace: readonly Mark[] = [
  text(0, 'PK00PK\x03\x04', 'zip'),
  text(0, 'Rar!', 'rar'),
  hex(0, '1f8b', 'gzip'),
  text(0, 'BZh', 'bzip2'),
  hex(0, 'fd377a585a00', 'xz'),
  text(257, 'ustar', 'tar'),
  text(0, '070701', 'cpio'),
  text(0, '070702', 'cpio'),
  text(0, '070707', 'cpio'),
  hex(0, 'c771', 'cpio'),
  hex(0, '71c7', 'cpio'),
  hex(0, '60ea', 'arj'),
  text(2, '-lh', 'lha'),
  text(0, 'EGGA', 'egg'),
  text(0, 'ALZ\x01', 'alz'),
  text(0, 'xar!', 'xar'),
  text(0, 'SZDD', 'compress'),
  text(0, 'ITSF', 'chm'),
  hex(0, 'd0cf11e0a1b11ae1', 'ole2'),
  hex(4, 'd0cf11e0a1b11ae1', 'ole2'),
  hex(0, 'e4525c7b8cd8a74daeb15378d02996d3', 'onenote'),
  hex(0, '789f3e22', 'tnef'),
  text(0, 'HWP Document File V3.00', 'hwp'),
  text(0, '{\\rt', 'rtf'),
  // Office 2003 and HWPML keep files in it, as base64.
  text(0, '<?xml version="1.0"', 'xml'),
  text(0, '\xef\xbb\xbf<?xml version="1.0"', 'xml'),
  text(0, 'CWS', 'swf'),
  text(0, 'ZWS', 'swf'),
  text(0, 'MZ', 'pe'),
  hex(0, '7f454c46', 'elf'),
  hex(0, 'cefaedfe', 'mach-o'),
  hex(0, 'cffaedfe', 'mach-o'),
  hex(0, 'feedface', 'mach-o'),
  hex(0, 'feedfacf', 'mach-o'),
  hex(0, 'cafebabe', 'mach-o'),
  hex(510, '55aa', 'disk image'),
  text(512, 'EFI PART', 'disk image'),
];

/** clamd looks for these at every place, behind whatever comes before. */
const anywhere: readonly Mark[] = [
  text(0, 'PK\x03\x04', 'zip'),
  text(0, 'Rar!\x1a\x07', 'rar'),
  hex(0, '377abcaf271c', '7z'),
  hex(0, '4d53434600000000', 'cab'),
  text(0, '%PDF-', 'pdf'),
  text(0, '%pdf-', 'pdf'),
  text(0, '<xdp:xdp', 'xdp'),
  text(0, '\x01CD001', 'iso'),
  // Without the NUL before it: to look at each of those costs forty times as much where there are many.
  text(0, 'BEA01\x01', 'udf'),
];

/** As much of the beginning as the marks at a place reach. */
const headBytes = Math.max(...atPlace.map(([at, mark]) => at + mark.length));
/** One byte less than the longest mark, so that none is missed between two chunks. */
const overlapBytes = Math.max(...anywhere.map(([, mark]) => mark.length)) - 1;

/** Apple's disk images have their mark 512 bytes before the end. */
const trailer = Buffer.from('koly', 'latin1');
const trailerBytes = 512;

/** Looks at a byte string as it passes, in order. Keeps its beginning and its end, no more. */
export class ContainerLook {
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #inside: string | undefined;
  /** How many it has seen. */
  bytes = 0;

  feed(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.#head.length < headBytes) {
      const missing = headBytes - this.#head.length;
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, missing)]);
    }
    this.#inside ??= nameIn(chunk) ?? this.#nameAcross(chunk);
    this.#tail =
      chunk.length < trailerBytes
        ? Buffer.concat([this.#tail, chunk]).subarray(-trailerBytes)
        : Buffer.from(chunk.subarray(-trailerBytes));
  }

  /** Of a mark that begins in what went before. */
  #nameAcross(chunk: Buffer): string | undefined {
    if (this.#tail.length === 0) return undefined;
    const before = this.#tail.subarray(-overlapBytes);
    return nameIn(Buffer.concat([before, chunk.subarray(0, overlapBytes)]));
  }

  /** What it is, of all that was fed; undefined where clamd has nothing to open. */
  get kind(): string | undefined {
    const known = atPlace.find(([at, mark]) => standsAt(this.#head, at, mark));
    if (known) return known[2];
    if (this.#tail.length === trailerBytes && this.#tail.indexOf(trailer) === 0) return 'dmg';
    return this.#inside;
  }
}

function standsAt(head: Buffer, at: number, mark: Buffer): boolean {
  // Few need the second look, which costs much more.
  return head[at] === mark[0] && head.subarray(at, at + mark.length).equals(mark);
}

/** A look that has seen the beginning. */
export function containerLookAt(bytes: Buffer): ContainerLook {
  const look = new ContainerLook();
  look.feed(bytes);
  return look;
}

/** The same of what is there whole. */
export function containerKind(bytes: Buffer): string | undefined {
  return containerLookAt(bytes).kind;
}

function nameIn(bytes: Buffer): string | undefined {
  return anywhere.find(([, mark]) => bytes.includes(mark))?.[2];
}
