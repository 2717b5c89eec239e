/**
 * Which bytes are being scanned, and how many scans of which bytes never ended, in a small file of
 * fixed slots that is written in place. It is never synced: it survives the death of the process,
 * and a power loss may take it. It is a counter against messages that kill the daemon, no custody,
 * so that what is damaged is begun anew.
 *
 * Nobody waits for a write, so that a disk that hangs hangs nobody: one is under way at a time, and
 * what changes meanwhile goes with the next.
 */
import { crc32 } from 'node:zlib';
import type { Clock, Timer } from '../clock.ts';
import type { PlacedFile } from './placed-file.ts';

/**
 * How long the end of a scan waits for the beginning of another to be written with: half the writes,
 * and who dies within it has died in that scan.
 */
const endMs = 5;
/** Digests that are remembered; beyond it the oldest go. Each is there while it is scanned. */
export const slotsMax = 4096;
export const slotBytes = 64;

interface Slot {
  readonly index: number;
  unended: number;
  /** Milliseconds since the epoch. */
  at: number;
}

export class ScanSlots {
  readonly #file: PlacedFile;
  readonly #clock: Clock;
  readonly #warn: (what: string) => void;
  readonly #image: Buffer;
  /** By digest, the oldest first. */
  readonly #slots = new Map<string, Slot>();
  /** Those used last are used first: what is written is close together. */
  readonly #free: number[] = [];
  /** Slots that are to be written. */
  #dirty: { readonly from: number; readonly to: number } | undefined;
  #writing = false;
  #timer: Timer | undefined;
  #failed = false;

  /**
   * @param content of the file, as far as it goes.
   * @param warn told when something of it cannot be used.
   */
  constructor(
    file: PlacedFile,
    content: Buffer,
    { clock, warn }: { readonly clock: Clock; readonly warn: (what: string) => void },
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#warn = warn;
    this.#image = Buffer.alloc(slotsMax * slotBytes);
    content.copy(this.#image);
    this.#read(content.length % slotBytes !== 0 || content.length > this.#image.length);
    this.#write();
  }

  /** Writes what is still to be written, as the last. */
  close(): void {
    this.#write();
    this.#timer?.cancel();
  }

  /** How many scans of these bytes began and did not end. */
  unended(digest: string): number {
    return this.#slots.get(digest)?.unended ?? 0;
  }

  /** @param now milliseconds since the epoch. */
  began(digest: string, now: number): void {
    const slot = this.#slots.get(digest) ?? { index: this.#freeIndex(), unended: 0, at: now };
    slot.unended++;
    slot.at = now;
    this.#slots.delete(digest);
    this.#slots.set(digest, slot);
    this.#put(digest, slot);
    this.#write();
  }

  ended(digest: string): void {
    const slot = this.#slots.get(digest);
    if (!slot) return;
    slot.unended--;
    if (slot.unended > 0) this.#put(digest, slot);
    else this.#forget(digest, slot);
    this.#timer ??= this.#clock.after(endMs, this.#write);
  }

  /** Forgets scans that began before `before`; milliseconds since the epoch. */
  expire(before: number): void {
    for (const [digest, slot] of this.#slots) if (slot.at < before) this.#forget(digest, slot);
    this.#write();
  }

  #freeIndex(): number {
    const [oldest] = this.#slots;
    if (this.#free.length === 0 && oldest) this.#forget(...oldest);
    return this.#free.pop() ?? 0;
  }

  #forget(digest: string, { index }: Slot): void {
    this.#slots.delete(digest);
    this.#free.push(index);
    this.#image.fill(0, index * slotBytes, (index + 1) * slotBytes);
    this.#changed(index);
  }

  /** Digest, time, count, checksum. */
  #put(digest: string, { index, unended, at }: Slot): void {
    const slot = this.#image.subarray(index * slotBytes, (index + 1) * slotBytes);
    slot.write(digest, 0, 32, 'hex');
    slot.writeDoubleBE(at, 32);
    slot.writeUInt32BE(unended, 40);
    slot.writeUInt32BE(crc32(slot.subarray(0, 44)), 44);
    this.#changed(index);
  }

  #changed(first: number, last = first): void {
    const { from = first, to = last } = this.#dirty ?? {};
    this.#dirty = { from: Math.min(from, first), to: Math.max(to, last) };
  }

  readonly #write = (): void => {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#writing || !this.#dirty) return;
    const { from, to } = this.#dirty;
    this.#dirty = undefined;
    this.#writing = true;
    const bytes = Buffer.from(this.#image.subarray(from * slotBytes, (to + 1) * slotBytes));
    this.#file.write(bytes, from * slotBytes, (problem) => {
      this.#writing = false;
      if (problem && !this.#failed) {
        this.#warn(`scans that break are not remembered over a restart: ${problem.message}`);
      }
      this.#failed = problem !== undefined;
      if (!problem) this.#write();
      // With the next change.
      else this.#changed(from, to);
    });
  };

  #read(odd: boolean): void {
    let damaged = odd;
    const found: [string, Slot][] = [];
    for (let index = slotsMax - 1; index >= 0; index--) {
      const bytes = this.#image.subarray(index * slotBytes, (index + 1) * slotBytes);
      const slot = readSlot(bytes, index);
      if (slot) found.push(slot);
      else this.#free.push(index);
      if (slot || bytes.every((byte) => byte === 0)) continue;
      damaged = true;
      bytes.fill(0);
      this.#changed(index);
    }
    for (const [digest, slot] of found.sort(([, a], [, b]) => a.at - b.at)) {
      this.#slots.set(digest, slot);
    }
    if (damaged) this.#warn('the notes of scans that never ended are damaged: some are begun anew');
  }
}

function readSlot(bytes: Buffer, index: number): [string, Slot] | undefined {
  const unended = bytes.readUInt32BE(40);
  if (unended === 0 || crc32(bytes.subarray(0, 44)) !== bytes.readUInt32BE(44)) return undefined;
  return [bytes.toString('hex', 0, 32), { index, unended, at: bytes.readDoubleBE(32) }];
}
