/** Messages for tests, put together at run time where they hold EICAR. All lines end with CRLF. */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { eicar } from './eicar.ts';

/** An entity of MIME: its fields, and its body as it is to stand in the message. */
export interface Entity {
  readonly fields: readonly string[];
  readonly body: Buffer;
}

const envelopeFields = [
  'Received: from mail.example.net by mx.example.org; Thu, 20 Nov 2025 10:00:00 +0000',
  'From: Anna <anna@example.net>',
  'To: Ben <ben@example.org>',
  'Message-ID: <1@example.net>',
  'Date: Thu, 20 Nov 2025 10:00:00 +0000',
];

/** A message of these fields (after the usual ones) and this body. */
export function message(entity: Entity, fields: readonly string[] = envelopeFields): Buffer {
  return entityBytes({ fields: [...fields, ...entity.fields], body: entity.body });
}

export function entityBytes({ fields, body }: Entity): Buffer {
  return Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n\r\n`), body]);
}

/** A text as it stands, without a word of MIME. */
export function text(body = 'Dear Ben,\r\n\r\nsee you on Monday.\r\n\r\nAnna\r\n'): Entity {
  return { fields: ['Subject: Monday'], body: Buffer.from(body) };
}

/** A clean text message of exactly `bytes` bytes. */
export function textOfSize(bytes: number): Buffer {
  const start = message(text(''));
  const line = `${'The quick brown fox jumps over the lazy dog. '.repeat(2).slice(0, 76)}\r\n`;
  const body = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - start.length - 2);
  return Buffer.concat([start, Buffer.from(`${body.replace(/\r$/, ' ')}\r\n`)]);
}

export function eightBitText(): Entity {
  return {
    fields: [
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ],
    body: Buffer.from('Grüße aus Köln, čau, 再見\r\n'),
  };
}

/** Raw UTF-8 in the header (RFC 6532), as SMTPUTF8 allows. */
export function utf8Header(): Entity {
  return { fields: ['Subject: Grüße', 'X-Ort: Köln'], body: Buffer.from('Grüße\r\n') };
}

export function newsletter(): Entity {
  const html = `<html><body>${'<p>Offers &amp; more <a href="https://example.net/a">here</a></p>'.repeat(40)}</body></html>`;
  return multipart('alternative', [
    {
      fields: ['Content-Type: text/plain; charset=utf-8'],
      body: Buffer.from('Offers and more\r\n'),
    },
    {
      fields: [
        'Content-Type: text/html; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
      ],
      body: quotedPrintable(Buffer.from(html)),
    },
  ]);
}

export function multipart(subtype: string, parts: readonly Entity[], boundary = 'b0'): Entity {
  const pieces = parts.flatMap((part) => [
    Buffer.from(`--${boundary}\r\n`),
    entityBytes(part),
    Buffer.from('\r\n'),
  ]);
  return {
    fields: ['MIME-Version: 1.0', `Content-Type: multipart/${subtype}; boundary="${boundary}"`],
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** A file as an attachment in base64. */
export function attachment(
  filename: string,
  content: Buffer,
  contentType = 'application/octet-stream',
): Entity {
  return {
    fields: [
      `Content-Type: ${contentType}; name="${filename}"`,
      `Content-Disposition: attachment; filename="${filename}"`,
      'Content-Transfer-Encoding: base64',
    ],
    body: Buffer.from(base64Lines(content)),
  };
}

/** A text and one file. */
export function withAttachment(filename: string, content: Buffer): Entity {
  return multipart('mixed', [
    { fields: ['Content-Type: text/plain'], body: Buffer.from('See file.\r\n') },
    attachment(filename, content),
  ]);
}

/** A message in the message, as it stands. */
export function forwarded(inner: Buffer, boundary = 'f0'): Entity {
  return multipart(
    'mixed',
    [
      { fields: ['Content-Type: text/plain'], body: Buffer.from('Please look at this.\r\n') },
      { fields: ['Content-Type: message/rfc822'], body: inner },
    ],
    boundary,
  );
}

/** A zip archive with one stored (not compressed) file. */
export function storedZip(filename: string, content: Buffer): Buffer {
  const name = Buffer.from(filename);
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(20, 0); // version needed
  shared.writeUInt32LE(crc32(content), 10);
  shared.writeUInt32LE(content.length, 14);
  shared.writeUInt32LE(content.length, 18);
  shared.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, content]);
  const central = Buffer.concat([
    Buffer.from('PK\x01\x02'),
    Buffer.from([20, 0]),
    shared,
    Buffer.alloc(14),
    name,
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, Buffer.from('PK\x05\x06'), end]);
}

/** A message with an attachment of `bytes` bytes that no other message has. */
export function largeMessage(bytes: number): Buffer {
  return message(withAttachment('data.bin', randomBytes(bytes)));
}

export const eicarFile = Buffer.from(eicar);

/** Messages by name, with what a scanner that looks into everything must say of them. */
export function sampleMessages(): { name: string; bytes: Buffer; infected: boolean }[] {
  const inner = message(withAttachment('eicar.com', eicarFile));
  const infected = [
    { name: 'EICAR as the text', bytes: message({ fields: ['Subject: x'], body: eicarFile }) },
    { name: 'EICAR attached', bytes: inner },
    {
      name: 'EICAR in a zip',
      bytes: message(withAttachment('eicar.zip', storedZip('eicar.com', eicarFile))),
    },
    { name: 'EICAR in a forwarded message', bytes: message(forwarded(inner)) },
    {
      name: 'EICAR two messages deep',
      bytes: message(forwarded(message(forwarded(inner, 'f1')), 'f2')),
    },
  ];
  const clean = [
    { name: 'a text', bytes: message(text()) },
    { name: 'an 8-bit text', bytes: message(eightBitText()) },
    { name: 'a UTF-8 header', bytes: message(utf8Header()) },
    { name: 'a newsletter', bytes: message(newsletter()) },
    { name: 'a clean attachment', bytes: message(withAttachment('a.txt', Buffer.from('clean'))) },
    {
      name: 'a clean zip',
      bytes: message(withAttachment('a.zip', storedZip('a', Buffer.from('clean')))),
    },
    { name: 'a large attachment', bytes: largeMessage(700_000) },
  ];
  return [
    ...infected.map((one) => ({ ...one, infected: true })),
    ...clean.map((one) => ({ ...one, infected: false })),
  ];
}

function base64Lines(content: Buffer): string {
  return content.toString('base64').replace(/.{1,76}/g, '$&\r\n');
}

/** A body in quoted-printable; it ends with a CRLF that is not the content's. */
export function quotedPrintable(content: Buffer): Buffer {
  const encoded = content
    .toString('latin1')
    .replace(
      /[^\x20-\x3c\x3e-\x7e]/g,
      (char) => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
  return Buffer.from(encoded.replace(/.{1,72}(?<!=|=.)/g, '$&=\r\n').replace(/=\r\n$/, '\r\n'));
}
