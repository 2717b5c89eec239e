/**
 * Bytes from a next hop → replies (RFC 5321 §4.2.1, RFC 2034). Incremental: the same replies come
 * out however the bytes were cut. What is not a reply is a value too, and the last one: after it
 * nothing that the peer says can be trusted to stand where it seems to stand.
 *
 * It does not know which command a reply answers; client-session.ts does.
 */
import { ReceiveBuffer } from '../receive-buffer.ts';
import type { Reply } from './reply.ts';

export type DecodedReply = { readonly kind: 'reply'; readonly reply: Reply } | Nonsense;

/** Not SMTP, or too long. */
export interface Nonsense {
  readonly kind: 'nonsense';
  /** Our own description, without a word of the peer's. */
  readonly detail: string;
}

/** A reply line with its CRLF; RFC 5321 §4.5.3.1.5 asks for 512. */
export const replyLineBytesMax = 2048;
/** Lines of one reply; the longest in use are answers to EHLO with some twenty. */
export const replyLinesMax = 200;

/**
 * Characters that are kept of one reply: over LMTP a thousand may be held at once, one for each recipient.
 * What is more is read and dropped: a message that was accepted in many words was accepted.
 */
export const replyCharactersMax = 32 * 1024;

/**
 * RFC 5321 §4.2: `code "-" text` or `code [SP text]`. The second digit is not held to 0-5 as the
 * grammar has it, because refusals such as 571 are met in the field. A 1xx does not exist in SMTP.
 */
const replyLine = /^([2-5][0-9]{2})(?:$|([ -])(.*)$)/su;

/** RFC 2034 §4: class "." subject "." detail, and then the text. */
const enhancedCode = /^([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)/u;

/** What could break out of a line of ours, or of a log; and what was not UTF-8 (RFC 6531 §3.7.4). */
const unprintable = /[^\P{Cc}\t]|\uFFFD/gu;

export class ReplyDecoder {
  readonly #buffer = new ReceiveBuffer(replyLineBytesMax);
  /** The lines of a reply whose last line has not come yet. */
  #code: number | undefined;
  #lines: string[] = [];
  #characters = 0;
  #lineCount = 0;
  #nonsense: Nonsense | undefined;

  /** Takes bytes as they come, for good. Call `next` until it has nothing before giving more. */
  receive(bytes: Buffer): void {
    if (this.#nonsense === undefined) this.#buffer.push(bytes);
  }

  /** The next whole reply, or `undefined` while there is none. After nonsense, that for ever. */
  next(): DecodedReply | undefined {
    while (this.#nonsense === undefined) {
      const line = this.#takeLine();
      if (line === undefined) return undefined;
      const decoded = typeof line === 'string' ? this.#takeReply(line) : line;
      if (decoded?.kind === 'nonsense') this.#nonsense = decoded;
      else if (decoded !== undefined) return decoded;
    }
    return this.#nonsense;
  }

  #takeLine(): string | Nonsense | undefined {
    const line = this.#buffer.readLine();
    if (line === undefined) return undefined;
    if (line.kind === 'too-long') return nonsense('a reply line that is too long');
    return line.crlf ? line.bytes.toString() : nonsense('a reply line that does not end in CRLF');
  }

  /** The reply that `line` completes, if it does. */
  #takeReply(line: string): DecodedReply | undefined {
    const [, code, mark, text = ''] = replyLine.exec(line) ?? [];
    if (code === undefined) return nonsense('a line that is not a reply');
    // RFC 5321 §4.2.1: the code is the same on every line.
    if (Number(code) !== (this.#code ??= Number(code))) return nonsense('a reply of two codes');
    if (++this.#lineCount > replyLinesMax) return nonsense('a reply of too many lines');
    this.#characters += text.length;
    if (this.#characters <= replyCharactersMax) this.#lines.push(text.replace(unprintable, '?'));
    if (mark === '-') return undefined;
    const reply = withEnhanced(this.#code, this.#lines);
    this.#code = undefined;
    this.#lines = [];
    this.#characters = this.#lineCount = 0;
    return { kind: 'reply', reply };
  }
}

function nonsense(detail: string): Nonsense {
  return { kind: 'nonsense', detail };
}

/**
 * Parts the enhanced code from the text. The first line's counts; a later line that repeats it is
 * freed of it, one that says another keeps it as text, so that nothing is lost.
 */
function withEnhanced(code: number, lines: readonly string[]): Reply {
  const enhanced = enhancedCode.exec(lines[0] ?? '')?.[1];
  // RFC 2034 §4: the class agrees with the reply code, else it is only text.
  if (enhanced === undefined || !String(code).startsWith(enhanced.charAt(0))) {
    return { code, lines };
  }
  return { code, enhanced, lines: lines.map((line) => withoutCode(line, enhanced)) };
}

function withoutCode(line: string, enhanced: string): string {
  if (line === enhanced) return '';
  return line.startsWith(`${enhanced} `) ? line.slice(enhanced.length + 1) : line;
}
