/** SMTP and LMTP replies (RFC 5321 §4.2, enhanced status codes RFC 2034 and RFC 3463). */

import { assert } from '../../assert.ts';

/**
 * A reply. `enhanced` is the enhanced status code of its first line ('2.1.0'), absent where the
 * command has none (greeting, EHLO, 354) or the peer gave none; `lines` are the texts without
 * code, enhanced code and CRLF, at least one.
 */
export interface Reply {
  readonly code: number;
  readonly enhanced?: string;
  readonly lines: readonly string[];
}

/** A reply of one line. */
export function reply(code: number, enhanced: string | undefined, text: string): Reply {
  return enhanced === undefined ? { code, lines: [text] } : { code, enhanced, lines: [text] };
}

export function isPositive(answer: Reply): boolean {
  return answer.code >= 200 && answer.code < 300;
}

export function isTransient(answer: Reply): boolean {
  return answer.code >= 400 && answer.code < 500;
}

export function isPermanent(answer: Reply): boolean {
  return answer.code >= 500 && answer.code < 600;
}

/**
 * The reply as it goes over the wire. Control characters in a text, which may be a next hop's,
 * become "?": a reply must not end where it was not meant to.
 */
export function encodeReply({ code, enhanced, lines }: Reply): Buffer {
  assert(lines.length > 0, 'a reply has at least one line');
  const last = lines.length - 1;
  const text = lines.map((line, index) => {
    const words = enhanced === undefined ? line : `${enhanced} ${line}`; // RFC 2034 §4: on each line
    return `${code}${index === last ? ' ' : '-'}${words.replace(/[\0-\x1f\x7f]/g, '?')}\r\n`;
  });
  return Buffer.from(text.join(''));
}
