/** Finds `data:` URIs (RFC 2397) in a text, in quotes or parentheses as HTML and CSS have them. */
import type { FoundList } from './found-list.ts';

/** Quote or what else stands before the URI, the media type, the comma. */
const uri = /(["'(=])[ \t]{0,8}data:([^\s,"'()<>]{0,200}),/gi;
/** No beginning is longer. */
const beginCharsMax = 216;
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
  #open: { readonly from: number; readonly end: RegExp; readonly isBase64: boolean } | undefined;

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
    this.#open = { from, end: ends[before] ?? /"/g, isBase64: /;[ \t]*base64/i.test(type) };
    return match.index + whole.length;
  }

  #close(to: number | undefined): void {
    if (this.#open === undefined) return;
    const { from, isBase64 } = this.#open;
    this.#open = undefined;
    const percent = { from, to, decoder: 'percent-encoding' } as const;
    const base64 = { from: 0, to: undefined, decoder: 'base64' } as const;
    const steps = isBase64 ? [percent, base64] : [percent];
    this.#found.add({ steps, why: 'a data: URI', odd: false, declared: 'other' });
  }
}
