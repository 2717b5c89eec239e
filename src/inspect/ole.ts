/**
 * Office documents in an OLE2 compound file ([MS-CFB]): whether they are encrypted. The sectors of a
 * stream may lie anywhere, so what tells is looked for at the places where it can stand.
 */
import type { Block, Look } from './blocks.ts';
import { places } from './blocks.ts';
import type { Notes } from './notes.ts';

const magic = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);

/** A directory entry is as long, and stands at a multiple of it ([MS-CFB] §2.6). */
const directoryEntryBytes = 128;
/** The smallest sector ([MS-CFB] §2.2); what begins a stream stands at a multiple of it. */
const sectorBytes = 512;
/** That of streams of less than 4096 bytes, which lie together in one ([MS-CFB] §2.4). */
const miniSectorBytes = 64;

/** The streams of an encrypted OOXML document ([MS-OFFCRYPTO] §2.3.4), or of its properties. */
const encryptedStreams = ['encryptedpackage', 'encryptioninfo', 'encryptedsummary'];
/** How they begin; case does not count ([MS-CFB] §2.6.4). */
const beginnings = ['E', 'e'].flatMap((first) =>
  ['N', 'n'].map((second) => Buffer.from(`${first}${second}`, 'utf16le')),
);

/** The document of Word begins with its FIB ([MS-DOC] §2.5.2): wIdent, then nFib. */
const fib = Buffer.from([0xec, 0xa5]);
const fibEncrypted = 0x0100;

/** A workbook begins with BOF ([MS-XLS] §2.4.21), of BIFF8 or BIFF5; then WriteProtect and FilePass. */
const bof = Buffer.from([0x09, 0x08]);
const writeProtect = 0x0086;
const filePass = 0x002f;

/** The user of an encrypted presentation ([MS-PPT] §2.3.2): its size and headerToken. */
const encryptedUser = Buffer.from([0x14, 0, 0, 0, 0xdf, 0xc4, 0xd1, 0xf3]);

export class OleLook implements Look {
  readonly #notes: Notes;
  #isOle = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look(block: Block): void {
    if (block.at === 0) this.#isOle = block.bytes.subarray(0, magic.length).equals(magic);
    if (!this.#isOle || this.#notes.encrypted.has('Office document')) return;
    if (
      beginnings.some((some) =>
        startsOf(block, some, directoryEntryBytes).some(isEncryptedStream),
      ) ||
      startsOf(block, fib, sectorBytes).some(isEncryptedWord) ||
      startsOf(block, bof, miniSectorBytes).some(isEncryptedWorkbook) ||
      !places(block, encryptedUser).next().done
    ) {
      this.#notes.encrypted.add('Office document');
    }
  }
}

/** Whether an entry of the directory is of such a name: how long that is, with NUL, stands at byte 64. */
function isEncryptedStream(entry: Buffer): boolean {
  return encryptedStreams.some((name) => {
    const bytes = (name.length + 1) * 2;
    return entry[64] === bytes && entry.toString('utf16le', 0, bytes - 2).toLowerCase() === name;
  });
}

/** What begins like `what` at a multiple of `step`, as far as the next sector. */
function startsOf(block: Block, what: Buffer, step: number): Buffer[] {
  const starts: Buffer[] = [];
  for (const at of places(block, what)) {
    if ((block.at + at) % step === 0) starts.push(block.bytes.subarray(at, at + sectorBytes));
  }
  return starts;
}

function isEncryptedWord(bytes: Buffer): boolean {
  if (bytes.length < 12) return false;
  const version = bytes.readUInt16LE(2);
  // From Word 6 to Word 2007, by [MS-DOC] §2.5.1 and its predecessors.
  const isKnown = version >= 0x65 && version <= 0x0112;
  return isKnown && (bytes.readUInt16LE(10) & fibEncrypted) !== 0;
}

function isEncryptedWorkbook(bytes: Buffer): boolean {
  if (bytes.length < 8) return false;
  const length = bytes.readUInt16LE(2);
  const version = bytes.readUInt16LE(4);
  if ((length !== 16 && length !== 8) || (version !== 0x0600 && version !== 0x0500)) return false;
  for (let at = 4 + length; at + 4 <= bytes.length; at += 4 + bytes.readUInt16LE(at + 2)) {
    const kind = bytes.readUInt16LE(at);
    if (kind !== writeProtect) return kind === filePass;
  }
  return false;
}
