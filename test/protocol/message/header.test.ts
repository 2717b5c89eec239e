import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  fields,
  HeaderCollector,
  messageId,
  topReceivedQueueId,
} from '../../../src/protocol/message/header.ts';
import { chops } from '../../support/chop.ts';

const crlf = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'));

function collect(pieces: readonly Buffer[], bytesMax = 1000) {
  const collector = new HeaderCollector(bytesMax);
  for (const piece of pieces) collector.push(piece);
  const overBeforeEnd = collector.over;
  collector.end();
  const { over, tooLarge } = collector;
  return { text: collector.bytes.toString('latin1'), overBeforeEnd, over, tooLarge };
}

describe('the header section', () => {
  const cases = [
    {
      name: 'ends with the empty line',
      message: 'A: 1\nB: 2\n\nbody\n\nmore\n',
      section: 'A: 1\nB: 2\n\n',
      over: true,
    },
    { name: 'is empty before a leading CRLF', message: '\nbody: x\n\n', section: '\n', over: true },
    {
      name: 'is all of a message without an empty line',
      message: 'A: 1\nB: 2\n',
      section: 'A: 1\nB: 2\n',
      over: false,
    },
    { name: 'is empty in an empty message', message: '', section: '', over: false },
    { name: 'can have no line end at all', message: 'A: 1', section: 'A: 1', over: false },
  ];
  for (const { name, message, section, over } of cases) {
    for (const chop of chops(crlf(message))) {
      test(`${name}: ${chop.name}`, () => {
        expect(collect(chop.pieces)).toEqual({
          text: crlf(section).toString('latin1'),
          overBeforeEnd: over,
          over: true,
          tooLarge: false,
        });
      });
    }
  }

  test('does not end at bare line feeds or carriage returns', () => {
    const message = Buffer.from('A: 1\n\nB: 2\r\rC: 3\r\n\nD: 4\r\n\r\nbody');
    expect(collect([message]).text).toBe(message.subarray(0, -4).toString());
  });

  const section = crlf('A: 1\nB: 22\n\n');
  for (const chop of chops(Buffer.concat([section, Buffer.from('body')]))) {
    test(`may be as large as the ceiling and no larger: ${chop.name}`, () => {
      expect(collect(chop.pieces, section.length).tooLarge).toBe(false);
      const over = collect(chop.pieces, section.length - 1);
      expect(over).toMatchObject({ tooLarge: true, over: false, text: '' });
    });
  }

  test('is too large as soon as it is, and nothing more is kept', () => {
    const collector = new HeaderCollector(10);
    collector.push(Buffer.alloc(8, 'a'));
    expect(collector.tooLarge).toBe(false);
    collector.push(Buffer.alloc(8, 'a'));
    expect(collector.tooLarge).toBe(true);
    collector.push(crlf('\n\n'));
    expect(collector.bytes).toHaveLength(0);
  });

  test('shows what there is of it before it is over', () => {
    const collector = new HeaderCollector(100);
    collector.push(Buffer.from('A: 1\r\nB'));
    collector.push(Buffer.from(': 2'));
    expect(collector.bytes.toString()).toBe('A: 1\r\nB: 2');
  });

  test('leaves the chunks it was given as they were', () => {
    const whole = Buffer.from('A: 1\r\nB: 2\r\nC: 3\r\n');
    const chunk = whole.subarray(0, 6);
    collect([chunk, Buffer.from('X: 1\r\n'), Buffer.from('\r\n')]);
    expect(whole.toString()).toBe('A: 1\r\nB: 2\r\nC: 3\r\n');
  });
});

describe('fields', () => {
  test('have their place, their name and their unfolded value', () => {
    const header = crlf('A: 1\nLong-Name \t: one\n two\n\tthree\nempty:\n\n');
    expect(
      [...fields(header)].map(({ name, start, end, value }) => ({ name, start, end, value })),
    ).toEqual([
      { name: 'A', start: 0, end: 6, value: ' 1' },
      { name: 'Long-Name', start: 6, end: 38, value: ' one two\tthree' },
      { name: 'empty', start: 38, end: 46, value: '' },
    ]);
  });

  const none = [
    'no colon\n',
    ' A: 1\n',
    ': 1\n',
    'A B: 1\n',
    'From a@b Mon Jan 1 10:00\n',
    'A\0: 1\n',
    'Ä: 1\n',
    'A\n : 1\n',
    '\nA: 1\n',
  ];
  test.each(none)('%j has none', (text) => {
    expect([...fields(crlf(text))]).toEqual([]);
  });

  test('after a line that is no field are fields again', () => {
    const names = [...fields(crlf('A: 1\nwhat is this\n still: this\nB: 2\n'))].map(
      ({ name }) => name,
    );
    expect(names).toEqual(['A', 'B']);
  });

  test('never overlap, and come in order, whatever the bytes', () => {
    const piece = fc.constantFrom(
      'A',
      'bc',
      ':',
      ' ',
      '\t',
      '\r\n',
      '\r',
      '\n',
      '\0',
      'é',
      '\r\n ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const header = Buffer.from(pieces.join(''));
        let before = 0;
        for (const { name, start, end } of fields(header)) {
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThan(start);
          expect(header.toString('utf8', start)).toMatch(new RegExp(`^${name}[ \t]*:`));
          before = end;
        }
        expect(before).toBeLessThanOrEqual(header.length);
      }),
    );
  });
});

describe('the Message-ID', () => {
  const cases: [string, string | undefined][] = [
    ['Message-ID: <a@b>\n', '<a@b>'],
    ['MESSAGE-id :\n <a@b> \n', '<a@b>'],
    ['Message-Id: <first@b>\nMessage-Id: <second@b>\n', '<first@b>'],
    ['X-Message-ID: <a@b>\n', undefined],
    ['Message-ID: \n', undefined],
    [`Message-ID: <${'a'.repeat(1000)}@b>\n`, undefined],
    ['Subject: x\n\nMessage-ID: <in-the-body@b>\n', undefined],
  ];
  test.each(cases)('of %j is %j', (text, id) => {
    expect(messageId(crlf(text))).toBe(id);
  });
});

describe('the queue id', () => {
  const received =
    'Received: by mail.example.org (Postfix, from userid 1000)\n\tid 0123456789AB; Tue, 21 Nov 2025 06:00:00 +0000 (UTC)\n';

  test('is that of the very first field', () => {
    expect(topReceivedQueueId(crlf(`${received}Subject: x\n\n`))).toBe('0123456789AB');
  });

  test.each([
    ['another field', `Subject: x\n${received}\n`],
    ['a line that is no field', `what\n${received}\n`],
    ['a continuation', ` x\n${received}\n`],
    ['the empty line', `\n${received}\n`],
  ])('is not taken from below %s', (_, text) => {
    expect(topReceivedQueueId(crlf(text))).toBeUndefined();
  });

  test('is not looked for in a field of absurd length', () => {
    const long = received.replace('Received:', `Received: (${'x'.repeat(20_000)})`);
    expect(topReceivedQueueId(crlf(`${long}\n`))).toBeUndefined();
  });
});
