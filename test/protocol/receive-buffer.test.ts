import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type Line, ReceiveBuffer } from '../../src/protocol/receive-buffer.ts';
import { chops } from '../support/chop.ts';

function linesOf(pieces: Buffer[], lineBytesMax: number): { lines: Line[]; rest: string } {
  const buffer = new ReceiveBuffer(lineBytesMax);
  const lines: Line[] = [];
  for (const piece of pieces) {
    buffer.push(piece);
    for (let line = buffer.readLine(); line; line = buffer.readLine()) lines.push(line);
    expect(buffer.length).toBeLessThan(lineBytesMax);
  }
  return { lines, rest: buffer.peek().toString('latin1') };
}

const line = (text: string, crlf = true): Line => ({
  kind: 'line',
  bytes: Buffer.from(text, 'latin1'),
  crlf,
});
const tooLong: Line = { kind: 'too-long' };

const vectors: [name: string, input: string, lines: Line[], rest: string][] = [
  ['two lines', 'ab\r\ncd\r\n', [line('ab'), line('cd')], ''],
  ['an unfinished line', 'ab\r\ncd', [line('ab')], 'cd'],
  ['a CR that may become a CRLF', 'ab\r', [], 'ab\r'],
  ['an empty line', '\r\nab\r\n', [line(''), line('ab')], ''],
  ['a bare LF', 'ab\ncd\r\n', [line('ab', false), line('cd')], ''],
  ['a bare LF first', '\n', [line('', false)], ''],
  ['a bare CR inside', 'a\rb\r\n', [line('a\rb')], ''],
  ['the longest line', '12345678\r\nx', [line('12345678')], 'x'],
  ['one byte too long', '123456789\r\nab\r\n', [tooLong, line('ab')], ''],
  ['much too long', `${'1'.repeat(50)}\r\nab\r\n`, [tooLong, line('ab')], ''],
  ['too long, ended by a bare LF', `${'1'.repeat(50)}\nab\r\n`, [tooLong, line('ab')], ''],
];

describe.each(vectors)('%s', (_, input, lines, rest) => {
  test.each([...chops(Buffer.from(input, 'latin1'))])('$name', ({ pieces }) => {
    expect(linesOf(pieces, 10)).toEqual({ lines, rest });
  });
});

test('whatever the cuts, the bytes come back in order, and what was handed out stays as it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.array(fc.nat(30)),
      (chunks, takes) => {
        const buffer = new ReceiveBuffer(1000);
        const out: Buffer[] = [];
        chunks.forEach((chunk, index) => {
          buffer.push(Buffer.from(chunk));
          const taken = buffer.peek().subarray(0, takes[index] ?? 1);
          out.push(taken);
          buffer.consume(taken.length);
        });
        out.push(buffer.peek());
        expect(Buffer.concat(out)).toEqual(
          Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))),
        );
      },
    ),
  );
});

test('a byte at a time costs no more than a few copies and looks at each', () => {
  const indexOf = jest.spyOn(Buffer.prototype, 'indexOf');
  const buffer = new ReceiveBuffer(1 << 20);
  let copied = 0;
  const count = 1 << 12;
  for (let at = 0; at < count; at++) {
    const before = buffer.peek();
    buffer.push(Buffer.from('x'));
    if (buffer.peek().buffer !== before.buffer) copied += before.length;
    expect(buffer.readLine()).toBeUndefined();
  }
  const searched = indexOf.mock.contexts.map((bytes, call) => {
    return (bytes as Buffer).length - Number(indexOf.mock.calls[call]?.[1]);
  });
  indexOf.mockRestore();
  expect(buffer.length).toBe(count);
  expect(copied).toBeLessThan(2 * count);
  expect(searched.length).toBe(count);
  expect(searched.reduce((sum, bytes) => sum + bytes)).toBeLessThan(4 * count);
});
