/** Other ways into a mailbox: winmail.dat, `data:` URIs in HTML, charsets that are encodings. */
import { base64, base64Lines, quotedPrintable } from '../codecs.ts';
import { crlf, type Entity } from '../message.ts';
import type { Payload } from '../payloads.ts';
import { tnef } from '../tnef.ts';
import { mimeVersion, multipart, type WholeTrick } from '../trick.ts';

const text: Entity = { fields: ['Content-Type: text/plain'], body: `See the file.${crlf}` };

function winmail(fields: readonly string[], bytes: Buffer): (mark: string) => Entity {
  const part: Entity = {
    fields: [...fields, 'Content-Transfer-Encoding: base64'],
    body: base64(bytes),
  };
  return (mark) => multipart(mark, [text, part]);
}

const asTnef = ({ filename, bytes }: Payload): Buffer => tnef([{ name: filename, bytes }]);
const harmless = { name: 'readme.txt', bytes: Buffer.from('Nothing here.\r\n') };

const tnefs: Readonly<Record<string, (payload: Payload) => (mark: string) => Entity>> = {
  'winmail.dat': (payload) =>
    winmail(['Content-Type: application/ms-tnef; name="winmail.dat"'], asTnef(payload)),
  'winmail.dat, vendor type': (payload) =>
    winmail(['Content-Type: application/vnd.ms-tnef; name="winmail.dat"'], asTnef(payload)),
  'winmail.dat as octets': (payload) =>
    winmail(['Content-Type: application/octet-stream; name="winmail.dat"'], asTnef(payload)),
  'second file in winmail.dat': (payload) =>
    winmail(
      ['Content-Type: application/ms-tnef; name="winmail.dat"'],
      tnef([harmless, { name: payload.filename, bytes: payload.bytes }]),
    ),
  'winmail.dat in winmail.dat': (payload) =>
    winmail(
      ['Content-Type: application/ms-tnef; name="winmail.dat"'],
      tnef([{ name: 'winmail.dat', bytes: asTnef(payload) }]),
    ),
};

const fetchStandard = 'a browser: WHATWG Fetch §6 (data: URL processor), reached from HTML mail';
const percentEncoded = (bytes: Buffer): string =>
  Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** HTML around the URI, and its encoding. */
const uris: Readonly<Record<string, (payload: Payload) => string>> = {
  'link, base64': ({ bytes, filename }) =>
    `<a download="${filename}" href="data:application/octet-stream;base64,${bytes.toString('base64')}">open</a>`,
  'link, percent': ({ bytes }) =>
    `<a href="data:application/octet-stream,${percentEncoded(bytes)}">open</a>`,
  'image, base64': ({ bytes }) => `<img src='data:image/png;base64,${bytes.toString('base64')}'>`,
  'link, base64 in lines': ({ bytes }) =>
    `<a href="data:application/octet-stream;base64,${crlf}${base64Lines(bytes, 60).join(crlf)}">open</a>`,
  'link, upper case and parameters': ({ bytes }) =>
    `<a href="DATA:application/octet-stream;name=x.com;BASE64,${bytes.toString('base64')}">open</a>`,
  'object, no quotes': ({ bytes }) =>
    `<object data=data:;base64,${bytes.toString('base64').replace(/=+$/, '')}></object>`,
};

function html(content: string, encoded: boolean): Entity {
  const document = `<html><body>${crlf}<p>Hello</p>${crlf}${content}${crlf}</body></html>${crlf}`;
  const fields = [mimeVersion, 'Content-Type: text/html; charset=us-ascii'];
  if (!encoded) return { fields, body: document };
  const field = 'Content-Transfer-Encoding: quoted-printable';
  const lines = document.split(crlf).map((line) => quotedPrintable(Buffer.from(line, 'latin1')));
  return { fields: [...fields, field], body: lines.join('') };
}

/** UTF-7 (RFC 2152), every character shifted. */
function utf7(text: string): string {
  return `+${Buffer.from(text, 'utf16le').swap16().toString('base64').replace(/=+$/, '')}-`;
}

/** UTF-7 as it is usual: only what is not direct is shifted. */
function directUtf7(text: string): string {
  return text.replace(/[^A-Za-z0-9'(),\-./:? ]+/g, utf7);
}

function utf32(text: string, big: boolean): Buffer {
  const bytes = Buffer.alloc(text.length * 4);
  Array.from(text, (letter, at) =>
    big
      ? bytes.writeUInt32BE(letter.charCodeAt(0), at * 4)
      : bytes.writeUInt32LE(letter.charCodeAt(0), at * 4),
  );
  return bytes;
}

const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

const charsets: Readonly<Record<string, readonly [charset: string, (text: string) => Buffer]>> = {
  'UTF-7, every character': ['utf-7', (all) => Buffer.from(utf7(all))],
  'UTF-7, as usual': ['utf-7', (all) => Buffer.from(directUtf7(all))],
  'UTF-7, its other name': ['unicode-1-1-utf-7', (all) => Buffer.from(directUtf7(all))],
  'UTF-16LE': ['utf-16le', utf16],
  'UTF-16BE': ['utf-16be', (all) => utf16(all).swap16()],
  'UTF-16 with mark': ['utf-16', (all) => Buffer.concat([Buffer.from([0xff, 0xfe]), utf16(all)])],
  'UTF-16, big, with mark': [
    'utf-16',
    (all) => Buffer.concat([Buffer.from([0xfe, 0xff]), utf16(all).swap16()]),
  ],
  'UTF-32LE': ['utf-32le', (all) => utf32(all, false)],
  'UTF-32BE': ['utf-32be', (all) => utf32(all, true)],
  'UTF-32 with mark': [
    'utf-32',
    (all) => Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), utf32(all, false)]),
  ],
  'UTF-8 with mark': [
    'utf-8',
    (all) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(all)]),
  ],
};

const charsetPlaces: Readonly<Record<string, readonly string[]>> = {
  text: [],
  'attached text': ['Content-Disposition: attachment; filename="note.txt"'],
};

type Charset = (typeof charsets)[string];

function charsetTrick(
  name: string,
  [charset, encode]: Charset,
  fields: readonly string[],
): WholeTrick {
  return {
    side: 'whole',
    family: 'charsets',
    name,
    payloads: ['eicar'],
    build: ({ bytes }, { mark }) =>
      multipart(mark, [
        text,
        {
          fields: [
            `Content-Type: text/plain; charset=${charset}`,
            'Content-Transfer-Encoding: base64',
            ...fields,
          ],
          body: base64(encode(bytes.toString('latin1'))),
        },
      ]),
  };
}

export const otherWrappingTricks: readonly WholeTrick[] = [
  ...Object.entries(tnefs).map(([name, build]): WholeTrick => ({
    side: 'whole',
    family: 'TNEF',
    name,
    build: (payload, { mark }) => build(payload)(mark),
  })),
  ...Object.entries(uris).flatMap(([name, content]) =>
    [false, true].map((encoded): WholeTrick => ({
      side: 'whole',
      family: 'data: URI',
      name: encoded ? `${name}, quoted-printable` : name,
      argued: fetchStandard,
      build: (payload) => html(content(payload), encoded),
    })),
  ),
  ...Object.entries(charsets).flatMap(([name, charset]) =>
    Object.entries(charsetPlaces).map(([place, fields]) =>
      charsetTrick(`${name}, ${place}`, charset, fields),
    ),
  ),
];
