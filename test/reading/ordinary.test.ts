/** Mail as people send it: nothing odd, and what a text only quotes begins nowhere. */
import { describe, expect, it } from '@jest/globals';
import * as messages from '../support/messages.ts';
import { eicarFile } from '../support/messages.ts';
import { readAll } from './read-all.ts';

const eicarText = eicarFile.toString('latin1');
const base64 = eicarFile.toString('base64');
const text = (
  body: string,
  fields = ['Content-Type: text/plain; charset=utf-8'],
): messages.Entity => ({
  fields,
  body: Buffer.from(body),
});
const mimeSource = `--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n--b--\r\n`;
const diff = `--- a/src/x.c\r\n+++ b/src/x.c\r\n@@ -1 +1 @@\r\n-${eicarText}\r\n+ok\r\n-- \r\n2.39.2\r\n`;
const signature = `-----BEGIN PGP SIGNATURE-----\r\n\r\niQIzBAEBCAAdFiEE\r\n=abcd\r\n-----END PGP SIGNATURE-----\r\n`;
const report = text(
  'Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; a@example.net\r\nAction: failed\r\n',
  ['Content-Type: message/delivery-status'],
);
const invitation = text(
  'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n',
  ['Content-Type: text/calendar; method=REQUEST; charset=utf-8'],
);
const returned = {
  fields: ['Content-Type: text/rfc822-headers'],
  body: Buffer.from(
    'Received: x\r\nFrom: a@example.net\r\nSubject: y\r\nContent-Type: text/plain\r\n\r\n',
  ),
};

const bodies: readonly (readonly [string, messages.Entity])[] = [
  ['a text', messages.text()],
  ['a newsletter', messages.newsletter()],
  ['an attachment', messages.withAttachment('a.bin', Buffer.from('clean'))],
  ['a forwarded message', messages.forwarded(messages.message(messages.newsletter()))],
  [
    'a signed message',
    messages.multipart('signed', [
      messages.text('Hello\r\n'),
      text(signature, ['Content-Type: application/pgp-signature']),
    ]),
  ],
  [
    'a report',
    messages.multipart('report; report-type=delivery-status', [
      messages.text('It failed.\r\n'),
      report,
      returned,
    ]),
  ],
  ['an invitation', messages.multipart('alternative', [messages.text('Lunch\r\n'), invitation])],
  [
    'a mailing list footer',
    messages.multipart('mixed', [messages.text('Hi\r\n'), text('_______\r\nlist@example.org\r\n')]),
  ],
  [
    'a nested multipart',
    messages.multipart(
      'mixed',
      [
        messages.multipart(
          'alternative',
          [messages.text('a\r\n'), text('<b>a</b>', ['Content-Type: text/html'])],
          'b1',
        ),
        messages.attachment('x', Buffer.from('x')),
      ],
      'b0',
    ),
  ],
  [
    'PGP in the text',
    messages.text(
      `-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHello\r\n${signature}`,
    ),
  ],
  ['EICAR quoted', messages.text(`The test string is\r\n\r\n${eicarText}\r\n\r\nand no more.\r\n`)],
  ['EICAR quoted between rules', messages.text(`See:\r\n-----\r\n${eicarText}\r\n-----\r\n`)],
  ['EICAR behind a word and a colon', messages.text(`Example:\r\n\r\n${eicarText}\r\n`)],
  ['EICAR in a diff', messages.multipart('mixed', [messages.text(diff)])],
  ['EICAR in base64, quoted', messages.text(`In base64:\r\n\r\n${base64}\r\n`)],
  [
    'a message as source, quoted',
    messages.multipart('mixed', [messages.text(`Look:\r\n\r\n${mimeSource}`)], 'z'),
  ],
  ['a message as source in a text', text(`Look:\r\n\r\n${mimeSource}`)],
  [
    'a message below a line',
    messages.text(
      `FYI\r\n\r\n-----Original Message-----\r\nFrom: a@example.net\r\nTo: b@example.net\r\nSubject: x\r\n\r\n${eicarText}\r\n`,
    ),
  ],
  ['prose that begins', messages.text('We\r\nbegin 2 weeks later\r\nbegin anew\r\nend\r\n')],
  ['a hash', messages.text(`${'0123456789abcdef'.repeat(4)}\r\n`)],
  ['a contact', text('BEGIN:VCARD\r\nFN:Anna\r\nEND:VCARD\r\n', ['Content-Type: text/vcard'])],
  ['a list of fields', messages.text('Name: Anna\r\nStreet: High St\r\n\r\nsee you\r\n')],
  [
    'a table in quoted-printable',
    text('a =3D b=\r\n c =E2=82=AC\r\n', [
      'Content-Type: text/plain',
      'Content-Transfer-Encoding: quoted-printable',
    ]),
  ],
  [
    'a boundary that needs quotes and has none',
    {
      fields: ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=----=_Part_1'],
      body: Buffer.from(
        '------=_Part_1\r\n\r\nHello\r\n------\r\nAnna\r\n------=_Part_1\r\n\r\nx\r\n------=_Part_1--\r\n',
      ),
    },
  ],
  [
    'Japanese',
    text('\x1b$B$3$s\x1b(B, hello\r\n', ['Content-Type: text/plain; charset=iso-2022-jp']),
  ],
  [
    'an invitation with an attachment',
    text(
      `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;ENCODING=BASE64;VALUE=BINARY:${Buffer.alloc(90, 'y').toString('base64').replace(/.{41}/g, '$&\r\n ')}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`,
      ['Content-Type: text/calendar; method=REQUEST'],
    ),
  ],
  [
    'pictures in HTML',
    text(
      '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><a href="/?a=1&amp;b=2">x</a>\r\n',
      ['Content-Type: text/html'],
    ),
  ],
  [
    'words behind the last delimiter',
    {
      fields: ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b'],
      body: Buffer.from('--b\r\n\r\nHello\r\n--b--\r\nUnsubscribe: see http://example.org\r\n'),
    },
  ],
  [
    'base64 in lines of 60',
    text(Buffer.alloc(200, 'y').toString('base64').replace(/.{60}/g, '$&\r\n'), [
      'Content-Type: application/pdf',
      'Content-Transfer-Encoding: base64',
    ]),
  ],
];

describe('ordinary mail', () => {
  it('in a digest is the messages in it', () => {
    const part = { fields: [], body: messages.message(messages.text('Hello\r\n')) };
    const { readings } = readAll([messages.message(messages.multipart('digest', [part, part]))]);
    const found = readings.filter(({ bytes }) => bytes.toString() === 'Hello\r\n');
    expect(found.map(({ odd }) => odd)).toEqual([false, false]);
  });

  it.each(bodies)('%s has nothing odd', (_, entity) => {
    const { readings, exceeded } = readAll([messages.message(entity)]);
    const odd = readings.filter((one) => one.odd && one.bytes.toString('latin1').trim() !== '');
    expect(odd.map(({ words, why }) => `${words}: ${why}`)).toEqual([]);
    expect(exceeded).toBeUndefined();
    expect(readings.filter(({ bytes }) => bytes.subarray(0, 68).equals(eicarFile))).toEqual([]);
  });

  it('is read part by part, and no byte twice', () => {
    const forwarded = messages.forwarded(messages.message(messages.newsletter()));
    const { readings } = readAll([messages.message(forwarded)]);
    expect(readings.map(({ words }) => words.replace(/bytes \d+ to \d+ /, ''))).toEqual([
      'as it stands',
      'as it stands',
      'as quoted-printable',
    ]);
  });
});
