import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type DecodedReply,
  ReplyDecoder,
  replyLineBytesMax,
  replyLinesMax,
} from '../../../src/protocol/smtp/reply-decoder.ts';
import { chops } from '../../support/chop.ts';

function decode(pieces: readonly Buffer[]): DecodedReply[] {
  const decoder = new ReplyDecoder();
  const decoded: DecodedReply[] = [];
  for (const piece of pieces) {
    decoder.receive(piece);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      decoded.push(next);
      if (next.kind === 'nonsense') return decoded;
    }
  }
  return decoded;
}

interface Good {
  bytes: string;
  reply: { code: number; enhanced?: string; lines: string[] };
}

const good: Good[] = [
  { bytes: '220 host ESMTP\r\n', reply: { code: 220, lines: ['host ESMTP'] } },
  { bytes: '250\r\n', reply: { code: 250, lines: [''] } },
  { bytes: '250 \r\n', reply: { code: 250, lines: [''] } },
  { bytes: '354 go on\r\n', reply: { code: 354, lines: ['go on'] } },
  { bytes: '571 not here\r\n', reply: { code: 571, lines: ['not here'] } },
  { bytes: '250 2.1.0 Ok\r\n', reply: { code: 250, enhanced: '2.1.0', lines: ['Ok'] } },
  { bytes: '450 4.2.0\r\n', reply: { code: 450, enhanced: '4.2.0', lines: [''] } },
  // Not enhanced codes: of another class, of another form, in a 3xx.
  { bytes: '550 4.1.1 no\r\n', reply: { code: 550, lines: ['4.1.1 no'] } },
  { bytes: '550 5.1 no\r\n', reply: { code: 550, lines: ['5.1 no'] } },
  { bytes: '550 5.1.1234 no\r\n', reply: { code: 550, lines: ['5.1.1234 no'] } },
  { bytes: '354 3.0.0 go\r\n', reply: { code: 354, lines: ['3.0.0 go'] } },
  {
    bytes: '250-host\r\n250-SIZE 10\r\n250 DSN\r\n',
    reply: { code: 250, lines: ['host', 'SIZE 10', 'DSN'] },
  },
  { bytes: '250-\r\n250\r\n', reply: { code: 250, lines: ['', ''] } },
  {
    bytes: '550-5.7.1 one\r\n550-5.7.1\r\n550-two\r\n550 5.7.2 three\r\n',
    reply: { code: 550, enhanced: '5.7.1', lines: ['one', '', 'two', '5.7.2 three'] },
  },
  {
    bytes: '550-one\r\n550 5.7.1 two\r\n',
    reply: { code: 550, lines: ['one', '5.7.1 two'] },
  },
  { bytes: '550 kein Postfach für ü\r\n', reply: { code: 550, lines: ['kein Postfach für ü'] } },
  { bytes: '550 a\0b\rc\x7fd\te\r\n', reply: { code: 550, lines: ['a?b?c?d\te'] } },
];

describe('ReplyDecoder', () => {
  test.each(good.map((case_) => ({ ...case_, name: JSON.stringify(case_.bytes) })))(
    'decodes $name at every cut, and what follows it',
    ({ bytes, reply }) => {
      const follower = { kind: 'reply', reply: { code: 221, enhanced: '2.0.0', lines: ['Bye'] } };
      for (const { name, pieces } of chops(Buffer.from(`${bytes}221 2.0.0 Bye\r\n`))) {
        expect({ name, decoded: decode(pieces) }).toEqual({
          name,
          decoded: [{ kind: 'reply', reply }, follower],
        });
      }
    },
  );

  test('makes octets that are not UTF-8 a question mark', () => {
    const decoded = decode([Buffer.from('550 caf\xe9!\r\n', 'latin1')]);
    expect(decoded).toEqual([{ kind: 'reply', reply: { code: 550, lines: ['caf?!'] } }]);
  });

  test.each([
    { what: 'words', bytes: 'HTTP/1.1 400 Bad Request\r\n' },
    { what: 'an empty line', bytes: '\r\n' },
    { what: 'two digits', bytes: '25 ok\r\n' },
    { what: 'four digits', bytes: '2500 ok\r\n' },
    { what: 'a 1xx', bytes: '150 wait\r\n' },
    { what: 'a 6xx', bytes: '650 what\r\n' },
    { what: 'another mark', bytes: '250_ok\r\n' },
    { what: 'a space in front', bytes: ' 250 ok\r\n' },
    { what: 'a bare LF', bytes: '250 ok\n' },
    { what: 'a lone LF', bytes: '\n' },
    { what: 'two codes in one reply', bytes: '250-ok\r\n251 ok\r\n' },
    { what: 'a line that is no reply inside one', bytes: '250-ok\r\nhello\r\n' },
  ])('takes $what for nonsense at every cut', ({ bytes }) => {
    for (const { name, pieces } of chops(Buffer.from(bytes))) {
      expect({ name, decoded: decode(pieces) }).toEqual({
        name,
        decoded: [{ kind: 'nonsense', detail: expect.any(String) }],
      });
    }
  });

  test('says nonsense for ever, whatever comes after it', () => {
    const decoder = new ReplyDecoder();
    decoder.receive(Buffer.from('nonsense\r\n250 ok\r\n'));
    const first = decoder.next();
    decoder.receive(Buffer.from('250 ok\r\n'));
    expect(first?.kind).toBe('nonsense');
    expect(decoder.next()).toEqual(first);
  });

  test.each([
    { length: replyLineBytesMax, kind: 'reply' },
    { length: replyLineBytesMax + 1, kind: 'nonsense' },
  ])('a line of $length octets is $kind', ({ length, kind }) => {
    const line = `250 ${'x'.repeat(length - 6)}\r\n`;
    expect(decode([Buffer.from(line)])[0]?.kind).toBe(kind);
    expect(decode(Array.from(line, (octet) => Buffer.from(octet)))[0]?.kind).toBe(kind);
  });

  test.each([
    { lines: replyLinesMax, kind: 'reply' },
    { lines: replyLinesMax + 1, kind: 'nonsense' },
  ])('a reply of $lines lines is $kind', ({ lines, kind }) => {
    const bytes = `${'250-x\r\n'.repeat(lines - 1)}250 x\r\n`;
    expect(decode([Buffer.from(bytes)])[0]?.kind).toBe(kind);
  });

  test.each([
    { lines: 17, kept: 17 },
    { lines: 18, kept: 16 },
    { lines: replyLinesMax, kept: 16 },
  ])('of $lines lines of 2,000 characters $kept are kept, each time', ({ lines, kept }) => {
    const whole = `${`250-${'x'.repeat(2000)}\r\n`.repeat(lines - 1)}250 x\r\n`;
    const twice = decode([Buffer.from(whole + whole)]);
    expect(twice.map((one) => one.kind === 'reply' && one.reply.lines.length)).toEqual([
      kept,
      kept,
    ]);
  });

  test('does not wait for the end of a reply that already has too many lines', () => {
    expect(decode([Buffer.from('250-x\r\n'.repeat(replyLinesMax + 1))])[0]?.kind).toBe('nonsense');
  });

  test('never throws, and gives the same for any bytes however they are cut', () => {
    const octets = fc.uint8Array({ maxLength: 60 });
    const likely = fc
      .array(fc.constantFrom('2', '5', '0', '-', ' ', '.', '\r\n', '\n', 'x'), { maxLength: 40 })
      .map((parts) => Buffer.from(parts.join('')));
    fc.assert(
      fc.property(fc.oneof(octets, likely), (bytes) => {
        const whole = decode([Buffer.from(bytes)]);
        const single = decode(Array.from(bytes, (octet) => Buffer.from([octet])));
        expect(single).toEqual(whole);
      }),
    );
  });
});
