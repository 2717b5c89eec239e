/** What is deflated (RFC 1951) without a head of its own, as gzip (RFC 1952), which clamd opens. */
import type { Decoder } from './decoder.ts';

/** RFC 1952 §2.3: deflated, without flags, time and name. */
const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

export class DeflatedAsGzip implements Decoder {
  readonly others = [];
  #begun = false;

  decode(chunk: Buffer): Buffer {
    if (this.#begun || chunk.length === 0) return chunk;
    this.#begun = true;
    return Buffer.concat([head, chunk]);
  }

  /** No checksum: clamd has looked at the content before it misses one. */
  end(): Buffer {
    return Buffer.alloc(0);
  }
}
