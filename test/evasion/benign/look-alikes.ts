/** Mail that looks like an attack to whoever searches too eagerly. */
import { eicar } from '../../support/eicar.ts';
import { base64, cut, hexQuoted, uuencode } from '../codecs.ts';
import { crlf, type Entity } from '../message.ts';
import { delimited, mimeVersion } from '../trick.ts';
import { type BenignKinds, cte, png, prose } from './kind.ts';

const bytes = Buffer.from(eicar, 'latin1');
const quote = (lines: readonly string[]): string =>
  lines.map((line) => `> ${line}${crlf}`).join('');
const plain = (body: string): Entity => ({
  fields: [mimeVersion, 'Content-Type: text/plain; charset=us-ascii', cte('7bit')],
  body,
});

const patch = [
  'diff --git a/src/mail.ts b/src/mail.ts',
  '--- a/src/mail.ts',
  '+++ b/src/mail.ts',
  '@@ -1,4 +1,4 @@',
  '-- old comment in SQL',
  '--boundary',
  '+-- new comment in SQL',
  ' begin 644 is how it starts',
  '-- ',
  '2.39.5',
];

export const lookAlikes: BenignKinds = {
  'EICAR within a sentence': (about) =>
    plain(`${prose(about, 2)}The test string is ${eicar} as they say.${crlf}${prose(about, 1)}`),
  'EICAR quoted': (about) => plain(`${prose(about, 2)}> ${eicar}${crlf}${prose(about, 1)}`),
  'EICAR indented': (about) => plain(`${prose(about, 2)}    ${eicar}${crlf}`),
  'EICAR over two lines': (about) => plain(prose(about, 2) + cut(eicar, 34).join(crlf) + crlf),
  'EICAR in HTML': (about) => ({
    fields: [mimeVersion, 'Content-Type: text/html'],
    body: `<html><body><p>${prose(about)}</p><pre>${eicar}</pre></body></html>${crlf}`,
  }),
  'EICAR by name': (about) => plain(`${prose(about)}Have you tried the EICAR test file?${crlf}`),
  'base64 of EICAR quoted': (about) =>
    plain(prose(about, 2) + quote(base64(bytes).trim().split(crlf))),
  'base64 of EICAR in a sentence': (about) =>
    plain(`${prose(about, 2)}Decode "${bytes.toString('base64')}" and see.${crlf}`),
  'uuencoded EICAR quoted': (about) => plain(prose(about, 2) + quote(uuencode(bytes, 'eicar.com'))),
  'MIME of EICAR quoted': (about) =>
    plain(prose(about, 2) + quote([cte('base64'), '', ...base64(bytes).trim().split(crlf)])),
  'hex of EICAR in words': (about) =>
    plain(
      `${prose(about, 2)}In quoted-printable: "${hexQuoted(bytes).split(crlf)[0] ?? ''}"${crlf}`,
    ),
  patch: (about) => plain(prose(about, 3) + patch.join(crlf) + crlf),
  'signature marks': (about) => plain(`${prose(about)}-- ${crlf}Anna${crlf}--${crlf}Ben${crlf}`),
  'begin at line start': (about) =>
    plain(`${prose(about, 2)}begin 2025 with a plan,${crlf}begin with it today${crlf}end${crlf}`),
  'begin with a number': (about) =>
    plain(`${prose(about, 2)}begin 644 times, and then${crlf}${prose(about, 2)}end${crlf}`),
  'uuencode described': (about) =>
    plain(
      `A file starts with${crlf}${crlf}begin 644 name${crlf}${crlf}and ends with${crlf}${crlf}end${crlf}${prose(about)}`,
    ),
  'yEnc described': (about) =>
    plain(
      `=ybegin line=128 size=123 name=x${crlf}is the first line.${crlf}${prose(about)}=yend${crlf}`,
    ),
  'BinHex described': (about) =>
    plain(
      `(This file must be converted with BinHex 4.0)${crlf}was its first line.${crlf}${prose(about)}`,
    ),
  'base64 of a picture in the text': (about) => plain(prose(about, 2) + base64(png(about))),
  'MIME example in the text': (about) =>
    plain(
      `${prose(about, 2)}Content-Type: multipart/mixed; boundary=x${crlf}${crlf}${delimited('x', [`Content-Type: text/plain${crlf}${crlf}Hello`])}`,
    ),
  'Usenet style': (about) =>
    plain(
      `On Monday carl wrote:${crlf}${quote(prose(about).trim().split(crlf))}${crlf}${prose(about, 2)}`,
    ),
  'From at line start': (about) =>
    plain(`${prose(about, 2)}From here on it is easy.${crlf}${prose(about, 2)}`),
  'a key in base64': (about) =>
    plain(`ssh-ed25519 ${png(about).toString('base64').slice(0, 68)} anna@example.net${crlf}`),
};
