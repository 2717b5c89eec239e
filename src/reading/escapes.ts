/**
 * Text in backslash escapes, as Python's unicode_escape and raw_unicode_escape have it, which its
 * email package takes for character sets.
 */
import type { Decoder } from './decoder.ts';

const escape =
  '\\\\(?:x([\\da-f]{2})|u([\\da-f]{4})|u([\\da-f]{8})|([0-7]{1,3}))|\\\\(\\\\|\\r?\\n)';
/** What may be the beginning of one, at the end of a piece. */
const begun = '(\\\\(?:x[\\da-f]?|u[\\da-f]{0,7}|[0-7]{0,2}|\\r)?$)';
const inPieces = new RegExp(`${begun}|${escape}`, 'gi');
const atEnd = new RegExp(`()${escape}`, 'gi');

export class Escapes implements Decoder {
  readonly others = [];
  #held = '';

  decode(chunk: Buffer): Buffer {
    const text = this.#held + chunk.toString('latin1');
    this.#held = '';
    return this.#resolved(text, inPieces);
  }

  end(): Buffer {
    const text = this.#held;
    this.#held = '';
    return this.#resolved(text, atEnd);
  }

  #resolved(text: string, pattern: RegExp): Buffer {
    const plain = text.replace(pattern, (_, ...groups: (string | undefined)[]) => {
      const [begins, two, four, eight, octal, kept] = groups;
      if (begins !== undefined && begins !== '') this.#held = begins;
      if (kept !== undefined) return kept === '\\' ? kept : '';
      const hex = two ?? four ?? eight;
      if (hex !== undefined) return letter(Number.parseInt(hex, 16));
      return octal === undefined ? '' : letter(Number.parseInt(octal, 8));
    });
    return Buffer.from(plain, 'latin1');
  }
}

/** What is no byte is no letter of a file that hides so. */
function letter(code: number): string {
  return code > 255 ? '?' : String.fromCharCode(code);
}
