/**
 * Stretches of a chunk, collected as slices that share its bytes. Tiny ones would cost their
 * readers more than a copy, so when there are many the rest is joined in one buffer.
 */

const slicesMax = 8;
/** Up to here a loop copies faster than a call of Buffer.copy. */
const shortBytes = 32;

export class SliceList {
  readonly #bytesMax: number;
  readonly #slices: Buffer[] = [];
  #joined: Buffer | undefined;
  #joinedLength = 0;

  /** @param bytesMax all stretches together are not longer. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Everything added, in order. */
  get slices(): readonly Buffer[] {
    if (this.#joined === undefined) return this.#slices;
    return [...this.#slices, this.#joined.subarray(0, this.#joinedLength)];
  }

  add(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    if (this.#slices.length < slicesMax) this.#slices.push(bytes.subarray(from, to));
    else this.#join(bytes, from, to);
  }

  #join(bytes: Buffer, from: number, to: number): void {
    const joined = (this.#joined ??= Buffer.allocUnsafe(this.#bytesMax));
    let end = this.#joinedLength;
    if (to - from > shortBytes) end += bytes.copy(joined, end, from, to);
    else for (let at = from; at < to; at++) joined[end++] = bytes[at] ?? 0;
    this.#joinedLength = end;
  }
}
