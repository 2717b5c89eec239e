/**
 * What readers disagree about when they all read rightly: which line ends a header, where a boundary
 * counts and where it is cut, how a parameter or a reference is written, what winmail.dat and a
 * calendar hold. A decoy makes who takes the one for the other content.
 */
import { base64, cut, hexQuoted, uuLines } from '../codecs.ts';
import { crlf, entityText, type Entity } from '../message.ts';
import type { Payload } from '../payloads.ts';
import { tnefWithProperties } from '../tnef.ts';
import { type Build, eicarTricks, mimeVersion, multipart, type WholeTrick } from '../trick.ts';

const inBase64 = 'Content-Transfer-Encoding: base64';
const octets = 'Content-Type: application/octet-stream; name="invoice.com"';
const text: Entity = { fields: ['Content-Type: text/plain'], body: `See the file.${crlf}` };
const clear = ({ bytes }: Payload): string => bytes.toString('latin1');
const lines = (...all: readonly string[]): string => all.map((line) => line + crlf).join('');

/** A part whose header has no end of its own. */
const unended =
  (content: (payload: Payload) => readonly string[]): Build =>
  (payload, mark) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary="${mark}"`],
    body: lines(
      `--${mark}`,
      entityText(text),
      `--${mark}`,
      octets,
      ...content(payload),
      `--${mark}--`,
    ),
  });

const headerEnds: Readonly<Record<string, Build>> = {
  'an encoding behind the content': unended((payload) => [clear(payload), inBase64, '', 'AAAA']),
  'an encoding behind blanks and the content': unended((payload) => [
    ' ',
    clear(payload),
    inBase64,
    '',
    'AAAA',
  ]),
  'an empty name before': unended((payload) => [': nothing', clear(payload)]),
  'a From line before': unended((payload) => ['From anna Thu Nov 20 2025', clear(payload)]),
  'a quoted From line before': unended((payload) => ['>From anna Thu Nov 20', clear(payload)]),
  'From lines and an empty name before': unended((payload) => [
    ': x',
    'From anna Thu Nov 20 2025',
    ': y',
    clear(payload),
  ]),
};

/** Not of the alphabet of base64, so that decoders pass over it. */
const inner = '(.)';

/** The delimiter of something else within the base64, and an empty line, where a part would begin. */
function interrupted({ bytes }: Payload, delimiter: string): string {
  const [first = '', ...rest] = cut(bytes.toString('base64'), 40);
  return lines(first) + delimiter + lines(...rest);
}

const within = `--${inner}${crlf}${crlf}`;
const alternative: Entity = {
  fields: [`Content-Type: multipart/alternative; boundary="${inner}"`],
  body: `--${inner}${crlf}${entityText(text)}${crlf}--${inner}--${crlf}`,
};
const quoting: Entity = {
  fields: ['Content-Type: text/plain'],
  body: `Content-Type: multipart/mixed; boundary="${inner}"${crlf}${crlf}Look.${crlf}`,
};
/** Said so that not everybody believes it: then the parser that we use is no help. */
const doubtful: Readonly<Record<string, readonly string[]>> = {
  base64: [inBase64],
  'base64 in quotes': ['Content-Transfer-Encoding: "base64"'],
  'base64 behind a comment': ['Content-Transfer-Encoding: (x) base64'],
  'base64, then 7bit': [inBase64, 'Content-Transfer-Encoding: 7bit'],
};

const scopes: Readonly<Record<string, Build>> = Object.fromEntries(
  Object.entries(doubtful).flatMap(([name, fields]): [string, Build][] => [
    [
      `of a multipart that has ended, ${name}`,
      (payload, mark) =>
        multipart(mark, [
          alternative,
          { fields: [octets, ...fields], body: interrupted(payload, within) },
        ]),
    ],
    [
      `of what is no multipart, ${name}`,
      (payload, mark) =>
        multipart(mark, [
          text,
          {
            fields: [`${octets}; boundary="${inner}"`, ...fields],
            body: interrupted(payload, within),
          },
        ]),
    ],
    [
      `of a header that is quoted, ${name}`,
      (payload, mark) =>
        multipart(mark, [
          quoting,
          { fields: [octets, ...fields], body: interrupted(payload, within) },
        ]),
    ],
    [
      `with a blank behind, ${name}`,
      (payload) =>
        multipart(inner, [
          text,
          {
            fields: [octets, ...fields],
            body: interrupted(payload, `--${inner} ${crlf}${crlf}`),
          },
        ]),
    ],
    [
      `between bare CRs, ${name}`,
      (payload) =>
        multipart(inner, [
          text,
          { fields: [octets, ...fields], body: interrupted(payload, `!\r--${inner}\r\r`) },
        ]),
    ],
  ]),
);

/** A part between delimiters that some read, and the file between those that others do. */
const behindDecoy =
  (field: string, decoy: string, boundary: string): Build =>
  ({ bytes }) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; boundary=${field}`],
    body: lines(
      `--${decoy}`,
      entityText(text),
      `--${boundary}`,
      octets,
      inBase64,
      '',
      base64(bytes),
      `--${boundary}--`,
    ),
  });
const headless =
  (field: string, boundary: string): Build =>
  (payload) => ({
    fields: [mimeVersion, `Content-Type: multipart/mixed; ${field}`],
    body: lines(`--${boundary}`, '', clear(payload), `--${boundary}--`),
  });
const long = 'L'.repeat(1100);

const boundaries: Readonly<Record<string, Build>> = {
  'unquoted, cut at a slash': behindDecoy('bb/x', 'bb/x', 'bb'),
  'unquoted, cut at a comma': behindDecoy('bb,x', 'bb,x', 'bb'),
  'unquoted, cut at a colon': behindDecoy('bb:x', 'bb:x', 'bb'),
  'unquoted, cut at an equals sign': behindDecoy('bb=x', 'bb=x', 'bb'),
  'cut at a NUL': behindDecoy('"bb\0x"', 'bb\0x', 'bb'),
  'an encoded word': behindDecoy('"=?us-ascii?Q?bb?="', '=?us-ascii?Q?bb?=', 'bb'),
  folded: behindDecoy(`"b${crlf} b"`, 'b  b', 'b b'),
  'a tab is a blank': behindDecoy('"b\tb"', 'b\tb', 'b b'),
  'a very long one first': headless(`boundary="${long}"; boundary="dd"`, long),
  'a very long one last': headless(`boundary="dd"; boundary="${long}"`, long),
  'the last of 18': headless(
    `${Array.from({ length: 17 }, (_, at) => `boundary=d${at}`).join('; ')}; boundary=zz`,
    'zz',
  ),
};

const utf7 = (content: string): string =>
  `+${Buffer.from(content, 'utf16le').swap16().toString('base64').replace(/=+$/, '')}-`;
const charset =
  (parameter: string, encode: (content: string) => string): Build =>
  (payload, mark) =>
    multipart(mark, [
      text,
      {
        fields: [`Content-Type: text/plain; ${parameter}`, inBase64],
        body: base64(Buffer.from(encode(clear(payload)), 'latin1')),
      },
    ]);
const joinedBy = (what: string) => (content: string) => Array.from(content).join(what);

const charsets: Readonly<Record<string, Build>> = {
  'UTF-7 in pieces': charset('charset*0=ut; charset*1=f-7', utf7),
  'UTF-7 in percent': charset("charset*=us-ascii''utf%2D7", utf7),
  'UTF-16 between blanks': charset('charset=" utf-16le "', (content) =>
    Buffer.from(content, 'utf16le').toString('latin1'),
  ),
  'ISO-2022-JP, escapes': charset('charset=iso-2022-jp', joinedBy('\x1b(B')),
  'ISO-2022-KR, shifts': charset(
    'charset=iso-2022-kr',
    (content) => `\x1b$)C${joinedBy('\x0e\x0f')(content)}`,
  ),
  'HZ, empty shifts': charset('charset=hz-gb-2312', joinedBy('~{~}')),
  'HZ, lines joined': charset('charset=hz-gb-2312', joinedBy('~\n')),
};

const quotedPrintable: Build = ({ bytes }, mark) => {
  const [first = '', ...rest] = cut(hexQuoted(bytes).replaceAll(`=${crlf}`, '').trimEnd(), 60);
  return multipart(mark, [
    text,
    {
      fields: [octets, 'Content-Transfer-Encoding: quoted-printable'],
      body: lines(`${first}=\rJUNK`, rest.join('')),
    },
  ]);
};

const winmail =
  (isObject: boolean): Build =>
  ({ bytes, filename }, mark) =>
    multipart(mark, [
      text,
      {
        fields: ['Content-Type: application/ms-tnef; name="winmail.dat"', inBase64],
        body: base64(tnefWithProperties({ name: filename, bytes }, isObject)),
      },
    ]);

const link =
  (before: string, content = (encoded: string) => encoded): Build =>
  ({ bytes }) => ({
    fields: [mimeVersion, 'Content-Type: text/html; charset=us-ascii'],
    body: `<html><a href="${before}${content(bytes.toString('base64'))}">x</a></html>${crlf}`,
  });
const type = 'application/octet-stream';
const numbers = (encoded: string): string =>
  Array.from(encoded, (letter) => `&#${letter.charCodeAt(0)};`).join('');

const uris: Readonly<Record<string, Build>> = {
  'a numbered colon': link(`data&#58;${type};base64,`),
  'a numbered letter': link(`&#x64;ata:${type};base64,`),
  'named references': link('data&colon;application&sol;octet-stream&semi;base64&comma;'),
  'a tab within': link(`da\tta:${type};base64,`),
  'many blanks before': link(`${' '.repeat(30)}data:${type};base64,`),
  'a line end before': link(`${crlf}data:${type};base64,`),
  'a long type': link(`data:${type};x=${'y'.repeat(300)};base64,`),
  'a blank in the type': link(`data:${type}; name=x;base64,`),
  'content in references': link(`data:${type};base64,`, numbers),
};

const calendarOf = (property: string, fields: readonly string[]): Build => {
  return ({ bytes }, mark) => {
    const folded = cut(bytes.toString('base64'), 40).join(`${crlf} `);
    const content = lines('BEGIN:VCALENDAR', 'BEGIN:VEVENT', `${property}:${folded}`, 'END:VEVENT');
    return multipart(mark, [text, { fields: [...fields], body: content }]);
  };
};
const calendars: Readonly<Record<string, Build>> = {
  'an attachment': calendarOf('ATTACH;FMTTYPE=application/x;ENCODING=BASE64;VALUE=BINARY', [
    'Content-Type: text/calendar; method=REQUEST',
  ]),
  'an attachment, parameters folded': calendarOf(
    `ATTACH;ENCO${crlf} DING=BASE64;VALUE=BINARY;X-FILENAME="a:b.com"${crlf} `,
    ['Content-Type: text/calendar; method=REQUEST'],
  ),
};

const modes: Readonly<Record<string, Build>> = Object.fromEntries(
  ['00644', '100644', '999'].map((mode): [string, Build] => [
    `a mode of ${mode}`,
    ({ bytes }) => ({
      fields: [],
      body: lines('Hello', '', `begin ${mode} a.com`, ...uuLines(bytes), '`', 'end'),
    }),
  ]),
);

const browser = 'a browser: WHATWG HTML §13.2.5.72 and URL §4.4, reached from HTML mail';
export const disagreementTricks: readonly WholeTrick[] = eicarTricks([
  ['end of a header, by line', headerEnds],
  ['delimiter that does not count', scopes],
  ['boundary that is cut', boundaries],
  ['charset parameter', charsets],
  ['quoted-printable to the line feed', { 'junk behind a bare CR': quotedPrintable }],
  ['TNEF properties', { 'a binary one': winmail(false) }],
  [
    'TNEF properties',
    { 'an object': winmail(true) },
    'Outlook: MS-OXTNEF §2.1.3.4.3, PidTagAttachDataObject',
  ],
  ['data: URI in references', uris, browser],
  ['calendar', calendars, 'a calendar: RFC 5545 §3.8.1.1, from an invitation'],
  ['mode of uuencode', modes],
]);
