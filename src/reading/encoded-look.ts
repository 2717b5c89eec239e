/**
 * Whether all of a text has the form of base64, so that readers which look at content rather than
 * headers decode it. A text that has base64 in it besides other words is none: it would be quoted.
 */
import type { FoundList } from './found-list.ts';

/** Fewer letters are a word. plain-message.ts knows it. */
export const base64LettersMin = 32;

const LF = 0x0a;
const CR = 0x0d;

/** Kinds of letters, a bit each: encoded data has all of them, a word or a hash in hex has not. */
const kinds = [/[\r\n]/, /[A-Z]/, /[a-z]/, /[0-9+/=]/];
const allKinds = 0b1110;
const form = Uint8Array.from({ length: 256 }, (_, byte) => {
  const kind = kinds.findIndex((one) => one.test(String.fromCharCode(byte)));
  return kind === -1 ? 0 : 1 << kind;
});

export class EncodedLook {
  readonly #found: FoundList;
  readonly #odd: boolean;
  #letters = 0;
  #refuted = false;
  #seen = 0;

  /** @param odd whether only some readers would decode it. */
  constructor(found: FoundList, odd: boolean) {
    this.#found = found;
    this.#odd = odd;
  }

  feed(chunk: Buffer): void {
    if (this.#refuted) return;
    for (const byte of chunk) {
      const kind = form[byte] ?? 0;
      if (kind === 0) {
        this.#refuted = true;
        return;
      }
      this.#seen |= kind;
      if (byte !== LF && byte !== CR) this.#letters++;
    }
  }

  end(): void {
    if (this.#refuted || this.#letters < base64LettersMin) return;
    if ((this.#seen & allKinds) !== allKinds) return;
    const steps = [{ from: 0, to: undefined, decoder: 'base64' }] as const;
    this.#found.add({
      steps,
      why: 'all of it looks like base64',
      odd: this.#odd,
      declared: 'other',
    });
  }
}
