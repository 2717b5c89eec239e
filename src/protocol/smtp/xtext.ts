/**
 * xtext (RFC 3461 §4): printable ASCII in which "+" and two hexadecimal digits stand for an octet.
 * The octets are read and written as UTF-8.
 */

/** RFC 3461 §4 has capital hexadecimal digits; Postfix reads small ones as well, and so do we. */
const xtext = /^(?:[!-*,-~\u0080-\u{10FFFF}]|\+[0-9A-Fa-f]{2})*$/u;
const hexchar = /(\+[0-9A-Fa-f]{2})/;
/** What may stand for itself. */
const xchar = /^[!-*,-<>-~]$/;

/**
 * @returns undefined when `text` is not xtext. "=" and what is not ASCII are let through where they
 *   stand for themselves, because Postfix leaves "=" alone in XFORWARD; octets that are not UTF-8
 *   become U+FFFD.
 */
export function decodeXtext(text: string): string | undefined {
  if (!xtext.test(text)) return undefined;
  if (!text.includes('+')) return text;
  const octets = text
    .split(hexchar)
    .map((piece) =>
      piece.startsWith('+') ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece),
    );
  return Buffer.concat(octets).toString();
}

export function encodeXtext(text: string): string {
  return Array.from(Buffer.from(text), encodeOctet).join('');
}

function encodeOctet(octet: number): string {
  const char = String.fromCharCode(octet);
  return xchar.test(char) ? char : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}
