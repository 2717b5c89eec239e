/**
 * Whether all of a text has the form of base64, so that readers which look at content rather than
 * headers decode it. A text that has base64 in it besides other words is none: it would be quoted.
 */
import type { FoundList } from './found-list.ts';

/** Fewer letters are a word. plain-message.ts knows it. */
export const base64LettersMin = 32;

const LF = 0x0a;
const CR = 0x0d;

const form = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/=\r\n]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class EncodedLook {
  readonly #found: FoundList;
  readonly #odd: boolean;
  #letters = 0;
  #refuted = false;

  /** @param odd whether only some readers would decode it. */
  constructor(found: FoundList, odd: boolean) {
    this.#found = found;
    this.#odd = odd;
  }

  feed(chunk: Buffer): void {
    if (this.#refuted) return;
    for (const byte of chunk) {
      if (form[byte] === 0) {
        this.#refuted = true;
        return;
      }
      if (byte !== LF && byte !== CR) this.#letters++;
    }
  }

  end(): void {
    if (this.#refuted || this.#letters < base64LettersMin) return;
    const steps = [{ from: 0, to: undefined, decoder: 'base64' }] as const;
    this.#found.add({
      steps,
      why: 'all of it looks like base64',
      odd: this.#odd,
      declared: 'other',
    });
  }
}
