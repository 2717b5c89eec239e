/**
 * Watches the content for lines that are a lone dot only to a next hop that ends lines at a bare CR
 * or drops NULs. A dot alone between two CRLF is innocent: on its way out it is stuffed. One
 * between a CRLF and a bare CR is stuffed as well, but nobody needs it, so it counts.
 */
const NUL = 0x00;
const DOT = 0x2e;

export class LoneDotWatch {
  #seen = false;
  #line: 'empty' | 'dot' | 'text' = 'empty';
  /** The line has begun behind a bare CR, or holds a NUL. */
  #odd = false;

  /** Whether there was such a line. */
  get seen(): boolean {
    return this.#seen;
  }

  /** More of the current line. */
  text(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to && this.#line !== 'text'; at++) {
      const byte = bytes[at];
      if (byte === NUL) this.#odd = true;
      else if (byte === DOT && this.#line === 'empty') this.#line = 'dot';
      else this.#line = 'text';
    }
  }

  lineEnd(kind: 'crlf' | 'bare-cr'): void {
    if (this.#line === 'dot' && (this.#odd || kind === 'bare-cr')) this.#seen = true;
    this.#line = 'empty';
    this.#odd = kind === 'bare-cr';
  }
}
