/**
 * PDF (ISO 32000-1): whether its document is encrypted. The trailer says so, and a cross-reference
 * stream does in the dictionary in front of it, which is never packed itself (§7.5.8.2).
 */
import type { Block, Look } from './blocks.ts';
import type { Notes } from './notes.ts';

/** §7.5.2 has it first; readers take it within the first 1024 bytes. */
const start = Buffer.from('%PDF-');
const startMax = 1024;

/** A letter of a name, or its number (§7.3.5). */
const letters = Array.from(
  'Encrypt',
  (letter) => `(?:${letter}|#${letter.charCodeAt(0).toString(16)})`,
);
/** White space (§7.2.3); all of what is looked for must lie within `lookahead`. */
const gap = '[\\s\\0]{1,2000}';
/** What follows is a dictionary, or a reference to one (§7.6.1); or nobody knows for all the space. */
const encrypt = new RegExp(
  `/${letters.join('')}(?:[\\s\\0]{2000}|[\\s\\0]*(?:<<|\\d{1,10}${gap}\\d{1,5}${gap}R))`,
  'gi',
);

export class PdfLook implements Look {
  readonly #notes: Notes;
  #isPdf = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look({ bytes, at, fresh }: Block): void {
    if (at === 0) this.#isPdf = bytes.subarray(0, startMax).includes(start);
    if (!this.#isPdf || this.#notes.encrypted.has('PDF')) return;
    for (const { index } of bytes.toString('latin1').matchAll(encrypt)) {
      if (index < fresh) this.#notes.encrypted.add('PDF');
    }
  }
}
