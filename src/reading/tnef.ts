/**
 * Finds the attachments in TNEF (winmail.dat, MS-OXTNEF): a signature, then attributes, each with
 * its length. Their contents lie in it as they stand.
 */
import type { FoundList } from './found-list.ts';

/** MS-OXTNEF §2.1.3.2: TNEFSignature, little-endian. */
export const tnefSignature = Buffer.from([0x78, 0x9f, 0x3e, 0x22]);
/** Signature and LegacyKey. */
const startBytes = 6;
/** Level, id, length. */
const attributeBytes = 9;
const checksumBytes = 2;
/** attAttachData, without its type. */
const attachData = 0x800f;

export class TnefFinder {
  readonly #found: FoundList;
  #isTnef = true;
  #at = 0;
  /** What is being collected, and how much of it is needed. */
  #head: number[] = [];
  #need = startBytes;
  #skip = 0;

  constructor(found: FoundList) {
    this.#found = found;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (this.#isTnef && at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else {
        this.#head.push(chunk[at++] ?? 0);
        if (this.#head.length === this.#need) this.#take(this.#at + at);
      }
    }
    this.#at += chunk.length;
  }

  end(): void {
    this.#isTnef = false;
  }

  /** @param behind the offset behind what was collected. */
  #take(behind: number): void {
    const head = Buffer.from(this.#head);
    this.#head = [];
    if (this.#need === startBytes) {
      this.#isTnef = head.subarray(0, 4).equals(tnefSignature);
      this.#need = attributeBytes;
      return;
    }
    const length = head.readUInt32LE(5);
    this.#skip = length + checksumBytes;
    if (head.readUInt16LE(1) !== attachData) return;
    this.#found.add({
      steps: [{ from: behind, to: behind + length, decoder: 'as it stands' }],
      why: 'an attachment in TNEF',
      odd: false,
      declared: 'other',
    });
  }
}
