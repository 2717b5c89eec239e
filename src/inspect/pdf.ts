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
/** What may follow is white space (§7.2.3), a comment (§7.2.4), a number or a dictionary. */
const encrypt = new RegExp(`/${letters.join('')}(?=[\\s\\0%\\d<])`, 'gi');
/** As much of what follows is looked at. */
const followingChars = 4000;
/** A dictionary, or a reference to one (§7.6.1). */
const value = /^[\s\0]*(?:<<|\d{1,10}[\s\0]+\d{1,5}[\s\0]+R)/;
/** What may yet become one. */
const beginning = /^[\s\0]*(?:\d{1,10}[\s\0]+(?:\d{1,5}[\s\0]+)?)?$/;
/** In one file as many are looked at; one with more is taken for encrypted. */
const placesMax = 1000;

export class PdfLook implements Look {
  readonly #notes: Notes;
  #isPdf = false;
  #places = 0;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  look({ bytes, at, fresh }: Block): void {
    if (at === 0) this.#isPdf = bytes.subarray(0, startMax).includes(start);
    if (!this.#isPdf || this.#notes.encrypted.has('PDF')) return;
    const text = bytes.toString('latin1');
    for (const { index, 0: name } of text.matchAll(encrypt)) {
      if (index >= fresh) return;
      const from = index + name.length;
      if (++this.#places > placesMax || saysSo(text.slice(from, from + followingChars))) {
        this.#notes.encrypted.add('PDF');
        return;
      }
    }
  }
}

/** @param following where it is as long as it can be, more may follow. */
function saysSo(following: string): boolean {
  const words = following.replace(/%[^\r\n]*/g, ' ');
  return value.test(words) || (following.length === followingChars && beginning.test(words));
}
