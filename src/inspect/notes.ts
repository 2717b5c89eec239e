/** What is found out about a file, and how much of it is kept. */

/** Ceilings of what is kept and done for one file; over one the listing is not complete. */
export interface InspectLimits {
  /** Names in an archive. */
  readonly entriesMax: number;
  /** All of these names together. */
  readonly namesBytesMax: number;
  /** What gzip may come to when it is opened to list a tar. */
  readonly inflatedBytesMax: number;
}

const MiB = 1024 * 1024;

export const defaultInspectLimits: InspectLimits = {
  entriesMax: 10_000,
  namesBytesMax: 1 * MiB,
  inflatedBytesMax: 64 * MiB,
};

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
  #namesBytes = 0;

  constructor(limits: InspectLimits) {
    this.limits = limits;
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
