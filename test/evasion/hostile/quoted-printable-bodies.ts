/** Quoted-printable beyond RFC 2045 §6.7, which says what a robust decoder may do with it. */
import { cut, hexQuoted, quotedPrintable } from '../codecs.ts';
import { crlf } from '../message.ts';
import type { PayloadKind } from '../payloads.ts';
import type { EncodingTrick } from '../trick.ts';

type Body = (bytes: Buffer) => string;

const fields = ['Content-Transfer-Encoding: quoted-printable'];
const raw = (bytes: Buffer): string => bytes.toString('latin1');
/** Every byte as =XX in lines of 8 bytes, with `soft` for the soft line break. */
const broken =
  (soft: string): Body =>
  (bytes) =>
    cut(allHex(bytes), 24).join(soft) + crlf;
const allHex = (bytes: Buffer): string => hexQuoted(bytes).replaceAll('=\r\n', '').trimEnd();

const anyPayload: Readonly<Record<string, Body>> = {
  'as it should be': quotedPrintable,
  'every byte': hexQuoted,
  'every byte, lower case': (bytes) => hexQuoted(bytes).toLowerCase(),
  'every byte, one line': (bytes) => allHex(bytes) + crlf,
  'no line end at the end': (bytes) => allHex(bytes),
  'soft break behind each byte': (bytes) => cut(allHex(bytes), 3).join('=\r\n') + crlf,
  'blanks behind soft breaks': broken('=   \r\n'),
  'tabs behind soft breaks': broken('=\t\r\n'),
  'soft breaks twice': broken('=\r\n=\r\n'),
  'soft breaks before': (bytes) => '=\r\n'.repeat(3) + hexQuoted(bytes),
  'soft break at the end': (bytes) => `${allHex(bytes)}=`,
  'soft break and line end at the end': (bytes) => `${allHex(bytes)}=\r\n`,
  'soft breaks with bare CR': broken('=\r'),
  'soft breaks with two CR': broken('=\r\r\n'),
};

/** What is printable stands as it is. */
const textOnly: Readonly<Record<string, Body>> = {
  'nothing quoted': (bytes) => raw(bytes) + crlf,
  'half quoted': (bytes) => raw(bytes).replace(/[A-M]/g, hexOf) + crlf,
  'half quoted, lower case': (bytes) => raw(bytes).replace(/[A-M]/g, lowerHexOf) + crlf,
  'soft break behind each character': (bytes) => cut(raw(bytes), 1).join('=\r\n') + crlf,
  'blanks at the line end': (bytes) => `${raw(bytes)}    ${crlf}`,
  'only the first quoted': (bytes) => raw(bytes).replace(/^./, hexOf) + crlf,
};

function hexOf(letter: string): string {
  return `=${letter.charCodeAt(0).toString(16).toUpperCase()}`;
}

function lowerHexOf(letter: string): string {
  return hexOf(letter).toLowerCase();
}

function tricks(
  rows: Readonly<Record<string, Body>>,
  payloads: readonly PayloadKind[],
): EncodingTrick[] {
  return Object.entries(rows).map(([name, body]) => ({
    side: 'encoding',
    family: 'quoted-printable',
    name,
    payloads,
    encode: ({ bytes }) => ({ fields, body: body(bytes) }),
  }));
}

export const quotedPrintableTricks: readonly EncodingTrick[] = [
  ...tricks(anyPayload, ['eicar', 'zip', 'zip-in-zip', 'eml']),
  ...tricks(textOnly, ['eicar']),
];
