import { createHash, hash, type Hash } from 'node:crypto';
import { assert } from '../assert.ts';

/**
 * The chunks of a content that is still in memory. It bounds what they keep alive: a chunk that is
 * a small window on a large buffer would hold the whole of it, and a peer that sends byte by byte
 * would make a Buffer of each byte. Such chunks are copied, the small ones together into blocks.
 */
export class MemoryTail {
  #chunks: Buffer[] = [];
  /** For each chunk, the position of its first byte in the content. */
  #starts: number[] = [];
  #size = 0;
  /** The last chunk, when it lies in a block that has room left. */
  #block: { readonly bytes: Buffer; used: number } | undefined;

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  add(chunk: Buffer): void {
    const small = chunk.length < blockBytes && this.#size > 0;
    if (small) this.#addToBlocks(chunk);
    else if (chunk.length > 0) this.#push(pinsTooMuch(chunk) ? copyOf(chunk) : chunk);
  }

  /** The bytes from `position`, which is within the content, to the end of the chunk it lies in. */
  at(position: number): Buffer {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle;
      else high = middle;
    }
    const chunk = this.#chunks[low];
    assert(chunk, 'a position that is read lies within the content');
    return chunk.subarray(position - (this.#starts[low] ?? 0));
  }

  /** SHA-256 of all bytes, in hex. */
  digest(): string {
    const [first] = this.#chunks;
    // In one call, as most small messages are one chunk, it costs half.
    if (first && this.#chunks.length === 1) return hash('sha256', first, 'hex');
    return this.hashInto(createHash('sha256')).digest('hex');
  }

  hashInto(to: Hash): Hash {
    for (const chunk of this.#chunks) to.update(chunk);
    return to;
  }

  /** Gives the memory back; nothing is added or read afterwards. */
  clear(): void {
    this.#chunks = [];
    this.#starts = [];
    this.#block = undefined;
  }

  #push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#starts.push(this.#size);
    this.#size += chunk.length;
    this.#block = undefined;
  }

  #addToBlocks(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (!this.#block) {
        const bytes = Buffer.allocUnsafeSlow(blockBytes);
        this.#push(bytes.subarray(0, 0));
        this.#block = { bytes, used: 0 };
      }
      rest = rest.subarray(this.#fill(this.#block, rest));
    }
  }

  /** Returns how many bytes found room. */
  #fill(block: { readonly bytes: Buffer; used: number }, bytes: Buffer): number {
    const copied = bytes.copy(block.bytes, block.used);
    block.used += copied;
    this.#chunks[this.#chunks.length - 1] = block.bytes.subarray(0, block.used);
    this.#size += copied;
    if (block.used === blockBytes) this.#block = undefined;
    return copied;
  }
}

const blockBytes = 16 * 1024;

/** Whether the chunk is a window on a buffer of which more than a block and half is not its own. */
function pinsTooMuch(chunk: Buffer): boolean {
  const foreign = chunk.buffer.byteLength - chunk.length;
  return foreign > Math.max(chunk.length, blockBytes);
}

/** Not from Buffer's pool, which would be pinned in turn. */
function copyOf(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy);
  return copy;
}
