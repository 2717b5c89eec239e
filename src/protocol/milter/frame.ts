/**
 * Frames of the Milter protocol: a length of four bytes in network order, which counts what follows
 * it; a letter; data. What a frame means is not looked at here.
 */
import { ReceiveBuffer } from '../receive-buffer.ts';

export type DecodedFrame =
  /** `data` stays valid and unchanged for good. */
  | { readonly kind: 'frame'; readonly letter: string; readonly data: Buffer }
  /** From here on the bytes mean nothing any more; said for ever. */
  | { readonly kind: 'malformed'; readonly detail: string };

const lengthBytes = 4;

export class FrameDecoder {
  readonly #frameBytesMax: number;
  readonly #input = new ReceiveBuffer(Number.MAX_SAFE_INTEGER);
  #malformed: DecodedFrame | undefined;

  /** @param frameBytesMax letter and data of the largest frame that is taken. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes received that are not part of a frame handed out. */
  get backlog(): number {
    return this.#input.length;
  }

  receive(bytes: Buffer): void {
    if (!this.#malformed) this.#input.push(bytes);
  }

  /** The next whole frame, or that there is none any more; undefined when more input is needed. */
  next(): DecodedFrame | undefined {
    if (this.#malformed || this.#input.length < lengthBytes) return this.#malformed;
    const bytes = this.#input.peek();
    const length = bytes.readUInt32BE();
    if (length === 0) return this.#refuse('a frame without a letter');
    if (length > this.#frameBytesMax) return this.#refuse(tooLong(bytes, length));
    const end = lengthBytes + length;
    if (bytes.length < end) return undefined;
    this.#input.consume(end);
    const letter = String.fromCharCode(bytes[lengthBytes] ?? 0);
    return { kind: 'frame', letter, data: bytes.subarray(lengthBytes + 1, end) };
  }

  #refuse(detail: string): DecodedFrame {
    this.#malformed = { kind: 'malformed', detail };
    this.#input.consume(this.#input.length);
    return this.#malformed;
  }
}

/** A peer of another protocol is told by its first letters: "EHLO", "zPIN", "GET ". */
function tooLong(bytes: Buffer, length: number): string {
  const words = bytes.toString('latin1', 0, lengthBytes);
  const spoken = /^[ -~]{4}$/.test(words) ? `, which reads "${words}": is this a Milter?` : '';
  return `a frame of ${length} bytes${spoken}`;
}

/** A frame as it goes over the wire. Strings are UTF-8. */
export function encodeFrame(letter: string, ...data: readonly (Buffer | string)[]): Buffer {
  const parts = data.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = Buffer.alloc(lengthBytes + 1);
  head.writeUInt32BE(1 + length);
  head.write(letter, lengthBytes, 'latin1');
  return Buffer.concat([head, ...parts]);
}
