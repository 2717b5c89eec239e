/** What the attachment is said to be: decoders take apart what it is, not what it is called. */
import type { TypeTrick } from '../trick.ts';

const disposition = (name: string): string => `Content-Disposition: attachment; filename="${name}"`;

const rows: Readonly<Record<string, (filename: string) => readonly string[]>> = {
  'no fields at all': () => [],
  'only a disposition': (name) => [disposition(name)],
  'text/plain': (name) => [`Content-Type: text/plain; name="${name}"`, disposition(name)],
  'text/html inline': () => ['Content-Type: text/html', 'Content-Disposition: inline'],
  'text/plain inline, no name': () => ['Content-Type: text/plain'],
  'text/calendar': () => ['Content-Type: text/calendar; method=REQUEST'],
  'image/png': (name) => [
    `Content-Type: image/png; name="${name}.png"`,
    disposition(`${name}.png`),
  ],
  'image/jpeg inline with id': () => [
    'Content-Type: image/jpeg',
    'Content-ID: <logo@example.net>',
    'Content-Disposition: inline',
  ],
  'application/pgp-signature': () => ['Content-Type: application/pgp-signature'],
  'application/pkcs7-mime': () => ['Content-Type: application/pkcs7-mime; name=smime.p7m'],
  'application/ms-tnef': () => ['Content-Type: application/ms-tnef; name=winmail.dat'],
  'message/delivery-status': () => ['Content-Type: message/delivery-status'],
  'message/rfc822, and is none': () => ['Content-Type: message/rfc822'],
  'multipart/mixed, and is none': () => ['Content-Type: multipart/mixed; boundary=none'],
  'unknown type': () => ['Content-Type: zork/zork'],
  'no slash': () => ['Content-Type: application'],
  'empty type': () => ['Content-Type:'],
  'garbage type': () => ['Content-Type: \x01\xff;;;=;'],
  'two types, text then octets': (name) => [
    'Content-Type: text/plain',
    'Content-Type: application/octet-stream',
    disposition(name),
  ],
  'two types, octets then text': (name) => [
    'Content-Type: application/octet-stream',
    'Content-Type: text/plain',
    disposition(name),
  ],
  'two types, octets then multipart': (name) => [
    'Content-Type: application/octet-stream',
    'Content-Type: multipart/mixed; boundary=none',
    disposition(name),
  ],
  'two types, octets then message': (name) => [
    'Content-Type: application/octet-stream',
    'Content-Type: message/rfc822',
    disposition(name),
  ],
  'name in RFC 2231': () => [
    "Content-Type: application/octet-stream; name*=utf-8''%E2%80%AEfdp.com",
    "Content-Disposition: attachment; filename*0*=utf-8''inv; filename*1=oice.com",
  ],
  'name in encoded words': () => [
    'Content-Type: application/octet-stream; name="=?utf-8?B?aW52b2ljZS5jb20=?="',
    'Content-Disposition: attachment; filename==?utf-8?Q?invoice=2Ecom?=',
  ],
  'name of 2000 characters': () => [disposition(`${'x'.repeat(2000)}.com`)],
  'name with a path': () => [disposition('../../tmp/invoice.com')],
  'name with NUL': () => [disposition('invoice.com\0.txt')],
  'name with an open quote': () => ['Content-Disposition: attachment; filename="invoice.com'],
  'two dispositions': (name) => ['Content-Disposition: inline', disposition(name)],
  'charset unknown': (name) => ['Content-Type: text/plain; charset=x-zork', disposition(name)],
};

export const typeFieldTricks: readonly TypeTrick[] = Object.entries(rows).map(([name, fields]) => ({
  side: 'type',
  family: 'type of the attachment',
  name,
  fields: ({ filename }) => fields(filename),
}));
