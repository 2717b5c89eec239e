/**
 * ASCII in texts that shift between character sets: ISO 2022 (RFC 1468, 1557, 1922) and HZ (RFC 1843).
 * The shifts go, wherever they stand; what is written in another set stays as it is.
 */
import type { Decoder, ShiftedName } from './decoder.ts';

/** ISO 2022: an escape sequence (ECMA-35 §13.2), shift out and shift in. HZ: its own; '~~' is '~'. */
const shifts: Readonly<Record<ShiftedName, RegExp>> = {
  'iso-2022': /\x1b[\x20-\x2f]{0,4}[\x30-\x7e]|[\x0e\x0f]/g,
  hz: /~(?:(~)|[{}]|\r?\n)/g,
};
const escapeBegins = /\x1b[\x20-\x2f]{0,4}$/;

/** What may be the beginning of one, at the end of a text. */
function beginningIn(text: string, name: ShiftedName): string {
  if (name === 'iso-2022') return escapeBegins.exec(text)?.[0] ?? '';
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  let from = end;
  while (from > 0 && text[from - 1] === '~') from--;
  // Of an odd number of them, the last one.
  return (end - from) % 2 === 1 ? text.slice(end - 1) : '';
}

export class ShiftedText implements Decoder {
  readonly others = [];
  readonly #name: ShiftedName;
  #held = '';

  constructor(name: ShiftedName) {
    this.#name = name;
  }

  decode(chunk: Buffer): Buffer {
    const text = this.#held + chunk.toString('latin1');
    this.#held = beginningIn(text, this.#name);
    const whole = text.slice(0, text.length - this.#held.length);
    return Buffer.from(
      whole.replace(shifts[this.#name], (_, kept?: unknown) => (kept === '~' ? '~' : '')),
      'latin1',
    );
  }

  end(): Buffer {
    return Buffer.from(this.#held, 'latin1');
  }
}
