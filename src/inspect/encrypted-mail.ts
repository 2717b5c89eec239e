/**
 * Mail that is encrypted from end to end: S/MIME and OpenPGP. It is no attachment that somebody
 * has locked, but what is in it was not looked at either, and `clean` would be a lie.
 */
import type { Block, Look } from './blocks.ts';
import { places } from './blocks.ts';
import type { Notes } from './notes.ts';

/**
 * ContentInfo in DER or BER begins with its type (RFC 5652 §3), as enveloped-data (§6.1) or
 * authenticated-enveloped-data (RFC 5083 §2) behind the header of a sequence, which has up to 6 bytes.
 */
const envelopes = [
  Buffer.from('06092a864886f70d010703', 'hex'),
  Buffer.from('060b2a864886f70d0109100117', 'hex'),
];
const sequenceTag = 0x30;
const LF = 0x0a;
const CR = 0x0d;
const sequenceHeaderMax = 6;

/** RFC 9580 §6.2: a line of its own, header lines, an empty line, base64. */
const armour = Buffer.from('-----BEGIN PGP MESSAGE-----');
const armourHead = /^[^\n]*\r?\n(?:[!-9;-~]+: [^\n]*\n)*[ \t]*\r?\n([A-Za-z0-9+/]{4})/;
/** RFC 9580 §5.1, §5.3: a key that is encrypted to a recipient, or to a passphrase. */
const keyPackets = new Set([1, 3]);

export class EncryptedMailLook implements Look {
  readonly #notes: Notes;
  /** The byte before the block. A file begins where a line does. */
  #before = LF;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look(block: Block): void {
    const { bytes, at, fresh } = block;
    if (at === 0 && isEnvelope(bytes)) this.#notes.encrypted.add('S/MIME message');
    for (const place of places(block, armour)) {
      const before = place === 0 ? this.#before : bytes[place - 1];
      const isLine = before === LF || before === CR;
      const head = armourHead.exec(bytes.toString('latin1', place, place + 1024));
      if (isLine && head?.[1] !== undefined && isKeyPacket(head[1])) {
        this.#notes.encrypted.add('OpenPGP message');
      }
    }
    this.#before = bytes[fresh - 1] ?? LF;
  }
}

function isEnvelope(bytes: Buffer): boolean {
  if (bytes[0] !== sequenceTag) return false;
  return envelopes.some((oid) => {
    const at = bytes.subarray(0, sequenceHeaderMax + oid.length).indexOf(oid);
    return at >= 2;
  });
}

/** RFC 9580 §4.2: the tag in the low six bits, in the old format in four of them. */
function isKeyPacket(letters: string): boolean {
  const first = Buffer.from(letters, 'base64')[0] ?? 0;
  const isNew = (first & 0xc0) === 0xc0;
  return (first & 0x80) !== 0 && keyPackets.has(isNew ? first & 0x3f : (first >> 2) & 0x0f);
}
