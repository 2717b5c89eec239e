/**
 * Messages that can be made as large as is wanted, each of a kind that could cost more for each byte
 * the more there are of them. No line of any begins with a dot.
 */
import { randomness } from '../stage/signatures.ts';

const KiB = 1024;
/** RFC 2045 §6.8. */
const base64LineChars = 76;

interface Nest {
  readonly opening: (level: number) => string;
  readonly closing?: (level: number) => string;
}

/** What fills the body of the kind, of about `bytes`. */
type Body = (bytes: number) => Buffer;

const plain = 'Content-Type: text/plain; charset=us-ascii\r\n\r\n';

/** A kind's header fields, with the empty line, and its body. */
const makers: Readonly<Record<string, { readonly fields: string; readonly body: Body }>> = {
  'plain text': { fields: plain, body: (bytes) => lines(bytes, prose) },
  'base64 attachment': multipart(
    'Content-Type: application/octet-stream; name="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    base64Of,
  ),
  'base64 in short lines': multipart(
    'Content-Type: application/octet-stream; name="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    (bytes) => lines(bytes, () => 'A\r\n'),
  ),
  'quoted-printable': {
    fields: 'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
    body: (bytes) => lines(bytes, (index) => `gr=C3=BC=C3=9Fe =3Cb=3E ${index} =E2=82=AC 10 =\r\n`),
  },
  'HTML with data: URIs': {
    fields: 'Content-Type: text/html\r\n\r\n',
    body: (bytes) =>
      lines(bytes, (index) => {
        const data = randomness(`image ${index % 64}`)(2250).toString('base64');
        return `<p>${index}<img src="data:image/png;base64,${data}"></p>\r\n`;
      }),
  },
  'many parts': multipart('', (bytes) =>
    lines(bytes, (index) => `--b0\r\nContent-Type: text/plain\r\n\r\n${index} ${prose(index)}`),
  ),
  'multipart in multipart': {
    fields: 'Content-Type: multipart/mixed; boundary=l0\r\n\r\n',
    body: nested({
      opening: (level) =>
        `--l${level}\r\nContent-Type: multipart/mixed; boundary=l${level + 1}\r\n\r\n`,
      closing: (level) => `\r\n--l${level}--\r\n`,
    }),
  },
  'message in message': {
    fields: 'Content-Type: message/rfc822\r\n\r\n',
    body: nested({
      opening: (level) =>
        `From: a@example.net\r\nSubject: ${level}\r\nContent-Type: message/rfc822\r\n\r\n`,
    }),
  },
  'many header fields': multipart('', (bytes) =>
    lines(bytes, (index) => `X-Field-${index}: ${prose(index)}`),
  ),
  'one long header field': multipart('Content-Type: text/plain; name="', (bytes) =>
    lines(bytes, (index) => `${'n'.repeat(60)}${index}\r\n `),
  ),
  'one long line': { fields: plain, body: (bytes) => Buffer.alloc(bytes, 'long line ') },
  'boundaries that begin alike': {
    fields: 'Content-Type: multipart/mixed; boundary=bbbb; boundary=bb\r\n\r\n',
    body: (bytes) => lines(bytes, (index) => `--${'b'.repeat(1 + (index % 40))}\r\n`),
  },
  'uuencode in text': {
    fields: plain,
    body: (bytes) =>
      lines(bytes, (index) => {
        const line = `M${'=VAT(&$@'.repeat(8).slice(0, 60)}\r\n`;
        return index % 100 === 0 ? `\`\r\nend\r\nbegin 644 f${index}.bin\r\n` : line;
      }),
  },
  'yEnc in text': {
    fields: plain,
    body: (bytes) =>
      lines(bytes, (index) => {
        if (index % 100 !== 0) return `${'k'.repeat(64)}${'*+,-'.repeat(16)}\r\n`;
        return `=yend size=12672\r\n=ybegin line=128 size=12672 name=f${index}\r\n`;
      }),
  },
  'UTF-16': {
    fields:
      'Content-Type: text/html; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    body: (bytes) => wrapped(Buffer.from(lines(bytes / 2.8, prose).toString('latin1'), 'utf16le')),
  },
  'UTF-7': {
    fields: 'Content-Type: text/html; charset=utf-7\r\n\r\n',
    body: (bytes) => lines(bytes, (index) => `+ADw-b+AD4- ${index} ${prose(index)}`),
  },
};

export const boundKinds = Object.keys(makers);

/** A message of about `bytes`; no two serial numbers give the same. */
export function boundMessage(kind: string, bytes: number, serial: number): Buffer {
  const maker = makers[kind];
  if (maker === undefined) throw new Error(`no such kind: ${kind}`);
  const head = [
    'Received: from mail.example.net (mail.example.net [192.0.2.1])',
    `\tby mx.example.org (Postfix) with ESMTP id 4XyZ${serial}z1234`,
    'From: Anna <anna@example.net>',
    `Message-ID: <${serial}@example.net>`,
    'MIME-Version: 1.0',
    '',
  ].join('\r\n');
  const start = Buffer.from(head + maker.fields);
  return Buffer.concat([start, maker.body(Math.max(1, bytes - start.length - 2)), crlf]);
}

const crlf = Buffer.from('\r\n');

/** What comes of `one` for each number, as often as it fits. */
function lines(bytes: number, one: (index: number) => string): Buffer {
  const pieces: Buffer[] = [];
  let text = '';
  let size = 0;
  for (let index = 0; size < bytes; index++) {
    const line = one(index);
    size += line.length;
    text += line;
    if (text.length < 64 * KiB) continue;
    pieces.push(Buffer.from(text, 'latin1'));
    text = '';
  }
  return Buffer.concat([...pieces, Buffer.from(text, 'latin1')]);
}

function prose(index: number): string {
  return `the ${index} letters of last monday, and an invoice for each of them, see below\r\n`;
}

/** One part after a text. */
function multipart(fields: string, body: Body): { fields: string; body: Body } {
  const opening = Buffer.from(`--b0\r\n${plain}see file\r\n--b0\r\n${fields}`);
  const closing = Buffer.from('\r\n--b0--');
  return {
    fields: 'Content-Type: multipart/mixed; boundary=b0\r\n\r\n',
    body: (bytes) => Buffer.concat([opening, body(bytes), closing]),
  };
}

function base64Of(bytes: number): Buffer {
  const seed = randomness('attachment')(Math.min(bytes, 1024 * KiB));
  const raw = Math.floor((bytes * 57) / 78);
  return wrapped(
    Buffer.concat(Array.from({ length: Math.ceil(raw / seed.length) }, () => seed)).subarray(
      0,
      raw,
    ),
  );
}

function wrapped(bytes: Buffer): Buffer {
  const text = Buffer.from(bytes.toString('base64'), 'latin1');
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; at += base64LineChars) {
    pieces.push(text.subarray(at, at + base64LineChars), crlf);
  }
  return Buffer.concat(pieces);
}

/** As deep as the bytes allow, with a word in the innermost. */
function nested({ opening, closing }: Nest): Body {
  return (bytes) => {
    const each = opening(100_000).length + (closing?.(100_000).length ?? 0);
    const depth = Math.max(1, Math.floor(bytes / each));
    let level = 0;
    const down = lines(bytes, () => (level < depth ? opening(level++) : ' '.repeat(bytes)));
    const end = down.indexOf('  ');
    const inner = Buffer.from(`${plain}inside\r\n`);
    const up = Array.from({ length: depth }, (_, index) => closing?.(depth - 1 - index) ?? '');
    const deep = end === -1 ? down : down.subarray(0, end);
    return Buffer.concat([deep, inner, Buffer.from(up.join(''))]);
  };
}
