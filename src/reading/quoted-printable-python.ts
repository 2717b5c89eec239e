/**
 * Quoted-printable as Python's binascii.a2b_qp takes it, where it differs from quoted-printable.ts:
 * '=' and a CR drop all up to the next LF, '==' is '=', and blanks at the end of a line stay.
 */
import type { Decoder } from './decoder.ts';

const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;

type State = 'text' | 'escape' | 'to the line feed';

export class PythonQuotedPrintable implements Decoder {
  readonly others = [];
  #state: State = 'text';
  /** The hexadecimal digit behind '='. */
  #digit: number | undefined;
  #out = Buffer.alloc(0);
  #size = 0;

  decode(chunk: Buffer): Buffer {
    // '=' and a digit can be held.
    this.#out = Buffer.allocUnsafe(chunk.length + 2);
    this.#size = 0;
    for (const byte of chunk) this.#take(byte);
    return this.#out.subarray(0, this.#size);
  }

  end(): Buffer {
    // A lone '=' is dropped.
    return Buffer.from(this.#digit === undefined ? [] : [EQUALS, this.#digit]);
  }

  #take(byte: number): void {
    if (this.#state === 'to the line feed') {
      if (byte === LF) this.#state = 'text';
    } else if (this.#state === 'escape') this.#escaped(byte);
    else if (byte === EQUALS) this.#state = 'escape';
    else this.#put(byte);
  }

  #escaped(byte: number): void {
    const digit = this.#digit;
    if (digit === undefined && isHex(byte)) {
      this.#digit = byte;
      return;
    }
    this.#state = 'text';
    this.#digit = undefined;
    if (digit !== undefined && isHex(byte)) {
      this.#put(Number.parseInt(String.fromCharCode(digit, byte), 16));
    } else if (digit !== undefined) {
      this.#put(EQUALS);
      this.#put(digit);
      this.#take(byte);
    } else if (byte === CR) this.#state = 'to the line feed';
    else if (byte !== LF) {
      this.#put(EQUALS);
      if (byte !== EQUALS) this.#put(byte);
    }
  }

  #put(byte: number): void {
    this.#out[this.#size++] = byte;
  }
}

function isHex(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66);
}
