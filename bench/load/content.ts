/**
 * The messages of the benchmark, and the streams that clamd has to scan for each. No two are alike,
 * nor any two of their parts: clamd remembers what it has found clean, and would not look again.
 */
import { mailPrefix } from '../../src/scan/mail-stream.ts';
import { randomness } from '../stage/signatures.ts';

export const kinds = ['text-4k', 'attachment-100k'] as const;
export type Kind = (typeof kinds)[number];

export interface Sample {
  /** As it goes over the wire after DATA, without the final dot; no line of it begins with a dot. */
  readonly message: Buffer;
  /** The decoded parts that clamgate sends besides the whole. */
  readonly parts: readonly Buffer[];
}

/** Makes the sample with this number. */
export type Maker = (serial: number) => Sample;

/** What never changes, and between it the places of the serial number. */
type Piece = Buffer | 'serial' | 'serial in base64';

const KiB = 1024;
/** A serial number's digits: in base64 they fill whole groups of four. */
const digits = 12;
/** RFC 2045 §6.8: lines of at most 76 characters; 57 bytes make one. */
const base64Line = { bytes: 57, chars: 78 };

export function makerOf(kind: Kind): Maker {
  return kind === 'text-4k' ? textMaker(4 * KiB) : attachmentMaker(100 * KiB);
}

/** What clamgate sends to clamd for a sample, in order. */
export function streamsOf({ message, parts }: Sample): readonly Buffer[] {
  return [Buffer.concat([mailPrefix, message]), ...parts];
}

/** A text without a word of MIME, of exactly `size` bytes. */
function textMaker(size: number): Maker {
  const start = [...header([]), 'serial' as const];
  const message = [...start, Buffer.from(prose(size - sizeOf(start)))];
  return (serial) => ({ message: filled(message, serial), parts: [] });
}

/** A text and random bytes attached in base64, together of exactly `size` bytes. */
function attachmentMaker(size: number): Maker {
  const delimiter = '\r\n--b0\r\n';
  const start = header([
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b0"',
    '',
    '--b0',
    'Content-Type: text/plain',
  ]);
  const attachmentHeader = Buffer.from(
    [
      `${delimiter}Content-Type: application/octet-stream; name="data.bin"`,
      'Content-Disposition: attachment; filename="data.bin"',
      'Content-Transfer-Encoding: base64',
      '\r\n',
    ].join('\r\n'),
  );
  const end = Buffer.from('\r\n--b0--\r\n');
  const fixed = sizeOf([...start, 'serial', attachmentHeader, end]);
  const textBytesMin = 500;
  const lines = Math.floor((size - fixed - textBytesMin) / base64Line.chars);
  const rest = randomness('attachment')(lines * base64Line.bytes - digits);
  const attachment: Piece[] = ['serial', rest];
  const encoded: Piece[] = ['serial in base64', Buffer.from(base64Lines(rest))];
  const text: Piece[] = ['serial', Buffer.from(prose(size - fixed - sizeOf(encoded)))];
  const message = [...start, ...text, attachmentHeader, ...encoded, end];
  return (serial) => ({
    message: filled(message, serial),
    parts: [filled(text, serial), filled(attachment, serial)],
  });
}

/**
 * A header section with its empty line, and these lines after the usual ones. The queue id on top is
 * each message's own, as from a Postfix: without one the ledger would have nothing to remember.
 */
function header(more: readonly string[]): Piece[] {
  const received = [
    'Received: from mail.example.net (mail.example.net [192.0.2.1])',
    '\tby mx.example.org (Postfix) with ESMTP id 4X',
  ];
  const first = [
    'z1234',
    '\tfor <ben@example.org>; Thu, 20 Nov 2025 10:00:00 +0000 (UTC)',
    'From: Anna <anna@example.net>',
    'To: Ben <ben@example.org>',
    'Subject: Monday',
    'Date: Thu, 20 Nov 2025 10:00:00 +0000',
    'Message-ID: <',
  ];
  const last = ['@example.net>', ...more, '', ''];
  const [start, middle, end] = [received, first, last].map((lines) => lines.join('\r\n'));
  return [
    Buffer.from(start ?? ''),
    'serial',
    Buffer.from(middle ?? ''),
    'serial',
    Buffer.from(end ?? ''),
  ];
}

function sizeOf(pieces: readonly Piece[]): number {
  return filled(pieces, 0).length;
}

function filled(pieces: readonly Piece[], serial: number): Buffer {
  const number = Buffer.from(String(serial).padStart(digits, '0'));
  const encoded = Buffer.from(number.toString('base64'));
  return Buffer.concat(
    pieces.map((piece) => {
      if (piece === 'serial') return number;
      return piece === 'serial in base64' ? encoded : piece;
    }),
  );
}

/** The lines behind the serial number, which stands at the start of the first. */
function base64Lines(rest: Buffer): string {
  const place = 'A'.repeat((digits / 3) * 4);
  const all = Buffer.concat([Buffer.alloc(digits), rest]).toString('base64');
  return `${place}${all.slice(place.length)}`.replace(/.{76}(?!$)/g, '$&\r\n').slice(place.length);
}

/** Lines of words, the first without its beginning; `bytes` in all, CRLF at the end included. */
function prose(bytes: number): string {
  const random = randomness('prose');
  const words = ['time', 'letter', 'monday', 'meeting', 'you', 'we', 'the', 'of', 'invoice', 'see'];
  let text = '';
  let column = digits;
  while (text.length < bytes) {
    const word = words[(random(1)[0] ?? 0) % words.length] ?? '';
    const wraps = column + word.length > 70;
    text += `${wraps ? '\r\n' : ' '}${word}`;
    column = wraps ? word.length : column + 1 + word.length;
  }
  // Not to end in the middle of a line's end.
  return `${text.slice(0, bytes - 2).replace(/[\r\n]{1,2}$/, (cut) => '.'.repeat(cut.length))}\r\n`;
}
