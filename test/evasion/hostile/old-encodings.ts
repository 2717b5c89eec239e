/** uuencode, xxencode, yEnc and BinHex: said in the field, or found in a text by who looks for them. */
import { base64, base64Lines, binHex, uuencode, uuLines, xxencode, yEnc } from '../codecs.ts';
import { crlf, type Entity } from '../message.ts';
import type { Payload } from '../payloads.ts';
import { type EncodingTrick, mimeVersion, multipart, type WholeTrick } from '../trick.ts';

type Lines = (payload: Payload) => readonly string[];

const uu: Lines = ({ bytes, filename }) => uuencode(bytes, filename);
const begun =
  (begin: string, rest: (payload: Payload) => readonly string[]): Lines =>
  (payload) => [begin, ...rest(payload)];
const uuEnd = ['`', 'end'];
const text = (lines: readonly string[]): string => lines.join(crlf) + crlf;

/** Ways to write uuencode that its decoders take. */
const uuVariants: Readonly<Record<string, Lines>> = {
  uuencode: uu,
  'uuencode, blanks for zero': ({ bytes, filename }) => [
    `begin 644 ${filename}`,
    ...uuLines(bytes, ' '),
    ' ',
    'end',
  ],
  'uuencode, blanks at line ends lost': ({ bytes, filename }) => [
    `begin 644 ${filename}`,
    ...uuLines(bytes, ' ').map((line) => line.trimEnd()),
    '',
    'end',
  ],
  'uuencode, lines of 3 bytes': ({ bytes, filename }) => [
    `begin 644 ${filename}`,
    ...uuLines(bytes, '`', 3),
    ...uuEnd,
  ],
  'uuencode, lines of 61 bytes': ({ bytes, filename }) => [
    `begin 644 ${filename}`,
    ...uuLines(bytes, '`', 61),
    ...uuEnd,
  ],
  'uuencode, a letter behind each line': ({ bytes, filename }) => [
    `begin 644 ${filename}`,
    ...uuLines(bytes).map((line) => `${line}M`),
    ...uuEnd,
  ],
  'uuencode, mode 0777': begun('begin 0777 a.com', ({ bytes }) => [...uuLines(bytes), ...uuEnd]),
  'uuencode, mode 1': begun('begin 1 a.com', ({ bytes }) => [...uuLines(bytes), ...uuEnd]),
  'uuencode, no name': begun('begin 644 ', ({ bytes }) => [...uuLines(bytes), ...uuEnd]),
  'uuencode, blanks in the name': begun('begin 644 my own file.com', ({ bytes }) => [
    ...uuLines(bytes),
    ...uuEnd,
  ]),
  'uuencode, many blanks': begun('begin   644    a.com  ', ({ bytes }) => [
    ...uuLines(bytes),
    ...uuEnd,
  ]),
  'uuencode, no end': begun('begin 644 a.com', ({ bytes }) => uuLines(bytes)),
  'uuencode, no zero line': begun('begin 644 a.com', ({ bytes }) => [...uuLines(bytes), 'end']),
  'uuencode, blank line before end': begun('begin 644 a.com', ({ bytes }) => [
    ...uuLines(bytes),
    '`',
    '',
    'end',
  ]),
  'uuencode, a blank line within': begun('begin 644 a.com', ({ bytes }) => {
    const [first = '', ...rest] = uuLines(bytes);
    return [first, '', ...rest, ...uuEnd];
  }),
  'base64 of uuencode': ({ bytes, filename }) => [
    `begin-base64 644 ${filename}`,
    ...base64Lines(bytes, 60),
    '====',
  ],
};

const others: Readonly<Record<string, Lines>> = {
  xxencode: ({ bytes, filename }) => xxencode(bytes, filename),
  yEnc: ({ bytes, filename }) => yEnc(bytes, filename),
  'yEnc, short lines': ({ bytes, filename }) => yEnc(bytes, filename, 20),
  BinHex: ({ bytes, filename }) => binHex(bytes, filename),
};

/** Where in a message such a text can stand. */
const places: Readonly<Record<string, (content: string, mark: string) => Entity>> = {
  'a message without MIME': (content) => ({ fields: [], body: content }),
  'a text with words around': (content) => ({
    fields: [mimeVersion, 'Content-Type: text/plain; charset=us-ascii'],
    body: `Hello,${crlf}${crlf}here it is:${crlf}${crlf}${content}${crlf}Regards${crlf}`,
  }),
  'a text part': (content, mark) =>
    multipart(mark, [
      { fields: ['Content-Type: text/plain'], body: `As promised.${crlf}` },
      { fields: ['Content-Type: text/plain'], body: content },
    ]),
};

export const inlineTricks: readonly WholeTrick[] = Object.entries(places).flatMap(
  ([place, build]) =>
    Object.entries({ ...uuVariants, ...others }).map(([name, lines]) => ({
      side: 'whole' as const,
      family: `old encoding in ${place}`,
      name,
      build: (payload, { mark }) => build(text(lines(payload)), mark),
    })),
);

const secondOfTwo: WholeTrick = {
  side: 'whole',
  family: 'old encoding in a text with words around',
  name: 'uuencode, the second of two',
  build: (payload) => ({
    fields: [],
    body: text([
      'Two files:',
      '',
      ...uuencode(Buffer.from('A harmless text.\r\n'), 'readme.txt'),
      '',
      ...uu(payload),
    ]),
  }),
};

type Said = readonly [value: string, lines: Lines];

const declared: Readonly<Record<string, Said>> = {
  'x-uuencode': ['x-uuencode', uu],
  uuencode: ['uuencode', uu],
  'x-uue': ['x-uue', uu],
  uue: ['uue', uu],
  'X-UUENCODE with comment': ['X-UUENCODE (Unix)', uu],
  'x-uuencode, words before': ['x-uuencode', (payload) => ['The file:', '', ...uu(payload)]],
  'x-uuencode, no begin': ['x-uuencode', ({ bytes }) => [...uuLines(bytes), ...uuEnd]],
  'x-uuencode, no end': ['x-uuencode', (payload) => uu(payload).slice(0, -2)],
  'x-yencode': ['x-yencode', ({ bytes, filename }) => yEnc(bytes, filename)],
  yenc: ['yenc', ({ bytes, filename }) => yEnc(bytes, filename)],
  'x-binhex40': ['x-binhex40', ({ bytes, filename }) => binHex(bytes, filename)],
  binhex: ['binhex', ({ bytes, filename }) => binHex(bytes, filename)],
  'x-xxencode': ['x-xxencode', ({ bytes, filename }) => xxencode(bytes, filename)],
  '7bit, and uuencode': ['7bit', uu],
  'base64, and uuencode': ['base64', uu],
  'quoted-printable, and uuencode': [
    'quoted-printable',
    (payload) => uu(payload).map((line) => line.replaceAll('=', '=3D')),
  ],
  'base64 of a uuencoded text': [
    'base64',
    (payload) =>
      base64(Buffer.from(text(uu(payload)), 'latin1'))
        .trimEnd()
        .split(crlf),
  ],
};

export const declaredTricks: readonly EncodingTrick[] = Object.entries(declared).map(
  ([name, [value, lines]]) => ({
    side: 'encoding',
    family: 'old encoding declared',
    name,
    encode: (payload) => ({
      fields: [`Content-Transfer-Encoding: ${value}`],
      body: text(lines(payload)),
    }),
  }),
);

/** BinHex has a type of its own (RFC 1741). */
const macBinHex: WholeTrick = {
  side: 'whole',
  family: 'old encoding declared',
  name: 'application/mac-binhex40',
  build: ({ bytes, filename }, { mark }) =>
    multipart(mark, [
      { fields: ['Content-Type: text/plain'], body: `The file.${crlf}` },
      {
        fields: [
          `Content-Type: application/mac-binhex40; name="${filename}.hqx"`,
          `Content-Disposition: attachment; filename="${filename}.hqx"`,
        ],
        body: text(binHex(bytes, filename)),
      },
    ]),
};

export const oldEncodingTricks = [...inlineTricks, secondOfTwo, ...declaredTricks, macBinHex];
