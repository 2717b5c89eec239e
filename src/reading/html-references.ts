/** Character references of HTML (WHATWG HTML §13.2.5.72), as far as they can stand for ASCII. */
import type { Decoder } from './decoder.ts';

/** Those of HTML that a URI may be written with. */
const named: Readonly<Record<string, string>> = {
  ...{ Tab: '\t', NewLine: '\n', colon: ':', comma: ',', semi: ';', sol: '/', equals: '=' },
  ...{ plus: '+', percnt: '%', period: '.', quot: '"', apos: "'", lpar: '(', rpar: ')' },
  ...{ amp: '&', lt: '<', gt: '>', num: '#', excl: '!', quest: '?', lowbar: '_', hyphen: '-' },
};
const reference =
  /&(?:#([0-9]{1,12})(?![0-9])|#x([0-9a-f]{1,12})(?![0-9a-f])|([a-z]{2,8})(?=;));?/gi;
const beginning = /&(?:#?[0-9a-z]{0,14})$/i;

/** @param text as latin1. */
export function referencesResolved(text: string): string {
  return text.replace(reference, (all, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? all;
    const point = decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal);
    return point < 128 ? String.fromCharCode(point) : all;
  });
}

export class HtmlReferences implements Decoder {
  readonly others = [];
  #held = '';

  decode(chunk: Buffer): Buffer {
    const text = this.#held + chunk.toString('latin1');
    this.#held = beginning.exec(text)?.[0] ?? '';
    return Buffer.from(
      referencesResolved(text.slice(0, text.length - this.#held.length)),
      'latin1',
    );
  }

  end(): Buffer {
    return Buffer.from(referencesResolved(this.#held), 'latin1');
  }
}
