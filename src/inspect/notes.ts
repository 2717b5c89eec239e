/** What is found out about a file, and how much of it is kept. */

/**
 * Ceilings of what is kept and done for one file. Over one the listing is not complete, or it is
 * not known whether the file is encrypted; both are said.
 */
export interface InspectLimits {
  /** Names in an archive. */
  readonly entriesMax: number;
  /** All of these names together. */
  readonly namesBytesMax: number;
  /** What gzip may come to when it is opened to list a tar. */
  readonly inflatedBytesMax: number;
  /** The header of a 7z archive, as it is stored; and as much again of what it is unpacked from. */
  readonly headerBytesMax: number;
  /** What that header may come to when it is unpacked. */
  readonly unpackedHeaderBytesMax: number;
}

/** How an encrypted thing is called in findings. */
export type EncryptedFormat =
  'Zip' | 'RAR' | '7z' | 'PDF' | 'Office document' | 'OpenPGP message' | 'S/MIME message';

export class Notes {
  readonly limits: InspectLimits;
  readonly encrypted = new Set<EncryptedFormat>();
  /** Names in an archive, as it has them. */
  readonly entries = new Set<string>();
  /** Why names may be missing, in words. */
  incomplete: string | undefined;
  /** Why it may be encrypted and not be known to be, in words. */
  unseen: string | undefined;
  /** Whether something in it is packed in a way that clamd does not unpack, in words. */
  unopened: string | undefined;
  #namesBytes = 0;

  constructor(limits: InspectLimits) {
    this.limits = limits;
  }

  /** What tells of names and of encryption alike could not be read. */
  unread(why: string): void {
    this.incomplete ??= why;
    this.unseen ??= why;
  }

  entry(name: Buffer): void {
    const text = textOf(name);
    if (text === '' || this.entries.has(text)) return;
    const { entriesMax, namesBytesMax } = this.limits;
    this.#namesBytes += name.length;
    if (this.entries.size >= entriesMax) this.incomplete ??= `more than ${entriesMax} names`;
    else if (this.#namesBytes > namesBytesMax) {
      this.incomplete ??= `more than ${namesBytesMax} bytes of names`;
    } else this.entries.add(text);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Archives say seldom in which character set their names are; what matters of them is ASCII. */
function textOf(name: Buffer): string {
  try {
    return utf8.decode(name);
  } catch {
    return name.toString('latin1');
  }
}
