/**
 * Finds `data:` URIs (RFC 2397) in a text, in quotes or parentheses as HTML and CSS have them: with
 * character references, and with what URL parsers leave out (WHATWG URL §4.4).
 */
import type { FoundList } from './found-list.ts';
import { referencesResolved } from './html-references.ts';
import type { Step } from './recipe.ts';

/** A letter as it is or as a reference, perhaps with what is left out behind it. */
const letters = (text: string, named = ''): string =>
  Array.from(text, (letter) => {
    const code = letter.charCodeAt(0);
    const codes = [code, letter.toUpperCase().charCodeAt(0)];
    const numbers = codes.map((one) => `#0{0,8}${one}|#x0{0,8}${one.toString(16)}`).join('|');
    return `(?:${letter}|&(?:${numbers});?${named})${leftOut}{0,8}`;
  }).join('');
const leftOutReference = '&(?:#0{0,8}(?:9|10|13)|#x0{0,8}[9ad]|Tab|NewLine);?';
const leftOut = `(?:[\\t\\r\\n]|${leftOutReference})`;
/** What is left out behind it is the decoder's. */
const comma = ',|&(?:#0{0,8}44|#x0{0,8}2c);?|&comma;';
/** Quote or what else stands before the URI, the media type, the comma. */
const uri = new RegExp(
  `(["'(=])(?:[\\0-\\x20]|${leftOutReference}){0,64}${letters('data')}${letters(':', '|&colon;')}` +
    `([^,"'<>]{0,512}?)(?:${comma})`,
  'gi',
);
/** No beginning is longer. */
const beginCharsMax = 2048;
/** By what stands before the URI, what ends it. */
const ends: Readonly<Record<string, RegExp>> = {
  '"': /"/g,
  "'": /'/g,
  '(': /\)/g,
  '=': /[\s>]/g,
};

export class DataUriFinder {
  readonly #found: FoundList;
  /** The offset of the next chunk's first byte. */
  #at = 0;
  /** What a beginning may have begun in. */
  #tail = '';
  /** No beginning stands before this offset: where the last URI ended. */
  #free = 0;
  /** The URI whose data is being read. */
  #open:
    | {
        readonly from: number;
        readonly end: RegExp;
        readonly isBase64: boolean;
        refers: boolean;
      }
    | undefined;

  constructor(found: FoundList) {
    this.#found = found;
  }

  feed(chunk: Buffer): void {
    // A piece without a comma or a colon neither begins nor, mostly, ends one.
    const text = this.#tail + chunk.toString('latin1');
    const origin = this.#at - this.#tail.length;
    let at = this.#open === undefined ? 0 : this.#tail.length;
    while (at < text.length) at = this.#step(text, at, origin);
    this.#at += chunk.length;
    const kept = Math.max(text.length - beginCharsMax, this.#free - origin);
    this.#tail = this.#open === undefined ? text.slice(kept) : '';
  }

  end(): void {
    this.#close(undefined);
  }

  /** @returns where in the text to go on. */
  #step(text: string, at: number, origin: number): number {
    if (this.#open !== undefined) {
      const { end } = this.#open;
      end.lastIndex = at;
      const match = end.exec(text);
      const to = match?.index ?? text.length;
      this.#open.refers ||= text.slice(at, to).includes('&');
      if (match === null) return text.length;
      this.#close(origin + match.index);
      // The quote that ends one may begin another.
      this.#free = origin + match.index;
      return match.index;
    }
    uri.lastIndex = at;
    const match = uri.exec(text);
    if (match === null) return text.length;
    const [whole, before = '', type = ''] = match;
    const from = origin + match.index + whole.length;
    const isBase64 = /;\s*base64/i.test(referencesResolved(type));
    this.#open = { from, end: ends[before] ?? /"/g, isBase64, refers: false };
    return match.index + whole.length;
  }

  #close(to: number | undefined): void {
    if (this.#open === undefined) return;
    const { from, isBase64, refers } = this.#open;
    this.#open = undefined;
    const decoders = [
      ...(refers ? (['HTML references'] as const) : []),
      'percent-encoding' as const,
      ...(isBase64 ? (['base64'] as const) : []),
    ];
    const steps = decoders.map((decoder, at): Step =>
      at === 0 ? { from, to, decoder } : { from: 0, to: undefined, decoder },
    );
    this.#found.add({ steps, why: 'a data: URI', odd: false, declared: 'other' });
  }
}
