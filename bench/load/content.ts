/**
 * The messages of the benchmark, and the streams that clamd has to scan for each. No two are alike,
 * nor any two of their parts: clamd and clamgate remember what was clean, and would not look again.
 */
import { mailPrefix } from '../../src/scan/mail-stream.ts';
import {
  attachment,
  type Entity,
  message,
  multipart,
  quotedPrintable,
} from '../../test/support/messages.ts';
import { prose, withSerial } from './filler.ts';
import { mailSizes } from './mail-sizes.ts';
import { type Maker, makerOfTemplate, type Sample, serialWord } from './template.ts';

export const kinds = [
  'text-4k',
  'newsletter-20k',
  'attachment-100k',
  'attachment-1m',
  'attachment-10m',
  'mixed',
] as const;
export type Kind = (typeof kinds)[number];

/** For people. */
export const kindNames: Readonly<Record<Kind, string>> = {
  'text-4k': '4 KiB text',
  'newsletter-20k': '20 KiB newsletter',
  'attachment-100k': '100 KiB, attachment',
  'attachment-1m': '1 MiB, attachment',
  'attachment-10m': '10 MiB, attachment',
  mixed: 'mixed sizes',
};

const KiB = 1024;
const MiB = 1024 * KiB;

/** How large they are, more or less; the mixed ones in the mean. */
export const kindBytes: Readonly<Record<Kind, number>> = {
  'text-4k': 4 * KiB,
  'newsletter-20k': 20 * KiB,
  'attachment-100k': 100 * KiB,
  'attachment-1m': MiB,
  'attachment-10m': 10 * MiB,
  mixed: 110 * KiB,
};

/** A text up to the first, a newsletter up to the second, above with an attachment. */
const mixedBytes = { text: 6 * KiB, newsletter: 48 * KiB };
/** Of a newsletter, in each of its two images; in base64 that is a third of it. */
const imageShare = 0.25;
/** Before the prose that fills a message up. */
const textBytesMin = 300;
/** RFC 2045 §6.8: lines of at most 76 characters; 57 bytes make one. */
const base64Line = { bytes: 57, chars: 78 };
/** Eight bytes by which a PNG is known, and one more, for base64 takes three at a time. */
const pngStart = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0]);

export function makerOf(kind: Kind): Maker {
  if (kind === 'mixed') return mixedMaker();
  const size = kindBytes[kind];
  if (kind === 'text-4k') return textMaker(size);
  return kind === 'newsletter-20k' ? newsletterMaker(size) : attachmentMaker(size);
}

/** After so many messages one after the other each size has been there as often as every other. */
export function cycleOf(kind: Kind): number {
  return kind === 'mixed' ? 64 : 1;
}

/** What clamgate sends to clamd for a sample, in order. */
export function streamsOf({ message: whole, parts }: Sample): readonly Buffer[] {
  return [Buffer.concat([mailPrefix, whole]), ...parts];
}

function mixedMaker(): Maker {
  const makers = mailSizes(cycleOf('mixed')).map((size) => {
    if (size < mixedBytes.text) return textMaker(size);
    return size < mixedBytes.newsletter ? newsletterMaker(size) : attachmentMaker(size);
  });
  return (serial) => (makers[serial % makers.length] ?? textMaker(4 * KiB))(serial);
}

/** A text without a word of MIME. */
function textMaker(size: number): Maker {
  return sized(size, (filler) => ({
    message: message({ fields: [], body: textBody(filler) }, envelope),
    parts: [],
  }));
}

/** A text and random bytes attached in base64. */
export function attachmentMaker(size: number): Maker {
  const room = size - 4 * textBytesMin;
  const bytes = Math.max(1, Math.floor(room / base64Line.chars)) * base64Line.bytes;
  const file = withSerial(Buffer.alloc(0), bytes, 'attachment');
  return sized(size, (filler) => {
    const text = textBody(filler);
    const entity = multipart('mixed', [plain(text), attachment('data.bin', file)]);
    return { message: message(entity, envelope), parts: [text, file] };
  });
}

/** The same in words and in HTML with two images in it. */
function newsletterMaker(size: number): Maker {
  const images = ['logo', 'offer'].map((name) =>
    withSerial(pngStart, Math.floor(size * imageShare), name),
  );
  return sized(size, (filler) => {
    const text = textBody('');
    const html = htmlBody(filler);
    const readable = multipart('alternative', [plain(text), htmlEntity(html)], 'b1');
    const pictures = images.map((image, index) => imageEntity(`image${index}`, image));
    const entity = multipart('related', [readable, ...pictures]);
    return { message: message(entity, envelope), parts: [text, html, ...images] };
  });
}

/** As large as is wanted, where it is not larger without any filler. */
function sized(size: number, compose: (filler: string) => Sample): Maker {
  const missing = size - compose('').message.length;
  const first = compose(prose(missing));
  // In another form the filler can be larger than it is.
  const over = first.message.length - size;
  return makerOfTemplate(over > 0 ? compose(prose(missing - over)) : first);
}

/**
 * The queue id on top is each message's own, as from a Postfix: without one the ledger would have
 * nothing to remember.
 */
const envelope = [
  'Received: from mail.example.net (mail.example.net [192.0.2.1])',
  `\tby mx.example.org (Postfix) with ESMTP id 4X${serialWord}z1234`,
  '\tfor <ben@example.org>; Thu, 20 Nov 2025 10:00:00 +0000 (UTC)',
  'From: Anna <anna@example.net>',
  'To: Ben <ben@example.org>',
  'Subject: Monday',
  'Date: Thu, 20 Nov 2025 10:00:00 +0000',
  `Message-ID: <${serialWord}@example.net>`,
];

function plain(body: Buffer): Entity {
  return { fields: ['Content-Type: text/plain; charset=us-ascii'], body };
}

function textBody(filler: string): Buffer {
  return Buffer.from(`${serialWord} see below\r\n${filler}`);
}

function htmlEntity(html: Buffer): Entity {
  return {
    fields: [
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
    ],
    body: quotedPrintable(html.subarray(0, -2)),
  };
}

/** One line of many elements, as programs write them. */
function htmlBody(filler: string): Buffer {
  const cells = filler.replaceAll('\r\n', '</td></tr><tr><td>');
  const images = [0, 1].map((index) => `<img src="cid:image${index}">`).join('');
  return Buffer.from(
    `<html><body><p>${serialWord}</p>${images}<table><tr><td>${cells}</td></tr></table></body></html>\r\n`,
  );
}

function imageEntity(id: string, image: Buffer): Entity {
  return {
    fields: [
      'Content-Type: image/png',
      `Content-ID: <${id}>`,
      'Content-Disposition: inline',
      'Content-Transfer-Encoding: base64',
    ],
    body: attachment(id, image).body,
  };
}
