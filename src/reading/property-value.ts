/**
 * Finds what properties of calendars and cards hold in base64: attachments (RFC 5545 §3.8.1.1),
 * pictures and sounds (RFC 2426 §3.1.4; RFC 6350 has data: URIs instead). A line goes on in those
 * that begin with a blank, also within its parameters (RFC 5545 §3.1).
 */
import type { FoundList } from './found-list.ts';
import type { Line } from './lines.ts';

const begin = /^begin:v(?:calendar|card|event|todo|journal)/i;
/** Its first letter, in either case. */
const beginLetters: readonly (number | undefined)[] = [0x42, 0x62];
const SPACE = 0x20;
const TAB = 0x09;
/** Name, parameters, colon. */
const property = /^[\w.-]{1,64}((?:;(?:[^":;]|"[^"]*"){0,1000}){1,64}):/;
const inBase64 = /;(?:encoding=)?"?b(?:ase64)?"?(?:;|$)/i;
/** Of name and parameters. */
const propertyCharsMax = 4096;

export class PropertyFinder {
  readonly #found: FoundList;
  #begun = false;
  /** Name and parameters so far, where the colon is still to come. */
  #text: string | undefined;
  /** Where the value began that is being read. */
  #from: number | undefined;

  constructor(found: FoundList) {
    this.#found = found;
  }

  line(line: Line): void {
    const first = line.byteAt(0);
    if (!this.#begun) {
      // Asked of every line: a text is made of few.
      this.#begun = beginLetters.includes(first) && begin.test(line.head.toString('latin1', 0, 16));
      return;
    }
    const goesOn = first === SPACE || first === TAB;
    if (goesOn && this.#from !== undefined) return;
    this.#close(line.start);
    if (goesOn && this.#text === undefined) return;
    this.#parameters(line, goesOn ? (this.#text ?? '') : '', goesOn ? 1 : 0);
  }

  end(): void {
    this.#close(undefined);
  }

  /** @param so far of the property. @param skipped of the line's letters. */
  #parameters({ head, start }: Line, so: string, skipped: number): void {
    const text = so + head.toString('latin1', skipped, propertyCharsMax);
    const [all, parameters = ''] = property.exec(text) ?? [];
    const isLong = text.length >= propertyCharsMax;
    this.#text = all === undefined && !isLong ? text : undefined;
    if (all !== undefined && inBase64.test(parameters)) {
      this.#from = start + skipped + all.length - so.length;
    }
  }

  #close(to: number | undefined): void {
    if (this.#from === undefined) return;
    const steps = [{ from: this.#from, to, decoder: 'base64 in folded lines' }] as const;
    this.#from = undefined;
    this.#found.add({
      steps,
      why: 'base64 in a calendar or a card',
      odd: false,
      declared: 'other',
    });
  }
}
