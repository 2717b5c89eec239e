/** SMTP and LMTP replies (RFC 5321 §4.2, enhanced status codes RFC 2034 and RFC 3463). */

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
