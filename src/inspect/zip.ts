/**
 * Zip (APPNOTE.TXT): the names of its files, and whether they are encrypted. Both the local headers
 * and the central directory are asked, wherever they stand, because readers differ about which of
 * them they believe, and because an archive may follow a program that opens it.
 */
import { type Block, type Look, lookahead, places } from './blocks.ts';
import type { Notes } from './notes.ts';

/** Where a header has its fields. */
interface Form {
  readonly signature: Buffer;
  readonly flags: number;
  readonly method: number;
  readonly nameLength: number;
  readonly extraLength: number;
  readonly name: number;
}

/** APPNOTE §4.3.7 and §4.3.12. */
const forms: readonly Form[] = [
  {
    ...{ signature: Buffer.from('PK\x03\x04'), flags: 6, method: 8 },
    ...{ nameLength: 26, extraLength: 28, name: 30 },
  },
  {
    ...{ signature: Buffer.from('PK\x01\x02'), flags: 8, method: 10 },
    ...{ nameLength: 28, extraLength: 30, name: 46 },
  },
];

/** APPNOTE §4.4.4: bit 0 encrypted, bit 6 strong encryption, bit 13 masked header values. */
const encryptedFlags = 0x0001 | 0x0040 | 0x2000;
/** APPNOTE §4.4.5: methods go to 20 and from 93 on; WinZip's AES is 99. Others make it no header. */
const aesMethod = 99;
/** Those that clamd unpacks (1.4, unzip.c); of others it says OK without having looked. */
const openedMethods: ReadonlySet<number> = new Set([0, 6, 8, 9, 12]);
/** WinZip's AES, strong encryption (APPNOTE §4.5.12). */
const encryptedExtras = new Set([0x9901, 0x0017]);
/** Info-ZIP's Unicode path, which readers prefer to the name (APPNOTE §4.6.9). */
const unicodePathExtra = 0x7075;
const slash = 0x2f;

export class ZipLook implements Look {
  readonly #notes: Notes;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look(block: Block): void {
    for (const form of forms) {
      for (const at of places(block, form.signature)) this.#header(block.bytes.subarray(at), form);
    }
  }

  #header(bytes: Buffer, form: Form): void {
    if (bytes.length < form.name) return;
    const method = bytes.readUInt16LE(form.method);
    const length = bytes.readUInt16LE(form.nameLength);
    const extras = bytes.readUInt16LE(form.extraLength);
    if ((method > 20 && method < 93) || method > aesMethod || length + extras === 0) return;
    const isEncrypted = (bytes.readUInt16LE(form.flags) & encryptedFlags) !== 0;
    if (isEncrypted || method === aesMethod) this.#notes.encrypted.add('Zip');
    else if (!openedMethods.has(method)) this.#notes.unopened ??= `Zip, method ${method}`;
    const end = form.name + length;
    if (end > lookahead) {
      this.#notes.incomplete ??= `a name of ${length} bytes`;
      return;
    }
    this.#entry(bytes.subarray(form.name, end));
    // Another name may be in what is not seen of them.
    if (end + extras > lookahead) this.#notes.incomplete ??= `extra fields of ${extras} bytes`;
    this.#extras(bytes.subarray(end, end + extras));
  }

  #extras(bytes: Buffer): void {
    for (let at = 0; at + 4 <= bytes.length;) {
      const kind = bytes.readUInt16LE(at);
      const next = at + 4 + bytes.readUInt16LE(at + 2);
      if (encryptedExtras.has(kind)) this.#notes.encrypted.add('Zip');
      // Behind a version and a checksum of the other name.
      if (kind === unicodePathExtra) this.#entry(bytes.subarray(at + 9, next));
      at = next;
    }
  }

  /** A slash at the end makes it a directory to all readers, and those may be called `example.com`. */
  #entry(name: Buffer): void {
    if (name.at(-1) !== slash) this.#notes.entry(name);
  }
}
