/**
 * Two small ways in which text is written: %XX in an URI (RFC 3986 §2.1), and lines that flow (RFC
 * 3676).
 */
import type { Decoder } from './decoder.ts';

export class PercentEncoding implements Decoder {
  readonly others = [];
  #held = '';

  decode(chunk: Buffer): Buffer {
    // WHATWG URL §4.4: these are no part of it.
    const text = this.#held + chunk.toString('latin1').replace(/[\t\r\n]/g, '');
    const held = /%[0-9a-f]?$/i.exec(text)?.[0] ?? '';
    this.#held = held;
    return unescaped(text.slice(0, text.length - held.length));
  }

  end(): Buffer {
    return Buffer.from(this.#held, 'latin1');
  }
}

function unescaped(text: string): Buffer {
  const plain = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(plain, 'latin1');
}

/** DelSp=yes: a blank before a line end and the line end go (RFC 3676 §4.1), the lines join. */
export class FlowedText implements Decoder {
  readonly others = [];
  #held = '';

  decode(chunk: Buffer): Buffer {
    const text = this.#held + chunk.toString('latin1');
    this.#held = / \r?$/.exec(text)?.[0] ?? '';
    const whole = text.slice(0, text.length - this.#held.length);
    return Buffer.from(whole.replace(/ \r?\n/g, ''), 'latin1');
  }

  end(): Buffer {
    return Buffer.from(this.#held, 'latin1');
  }
}
