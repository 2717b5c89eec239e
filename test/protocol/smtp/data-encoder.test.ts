import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DataDecoder } from '../../../src/protocol/smtp/data.ts';
import { DataEncoder } from '../../../src/protocol/smtp/data-encoder.ts';
import { chops } from '../../support/chop.ts';

function encode(pieces: Buffer[]): Buffer {
  const encoder = new DataEncoder();
  const content = pieces.flatMap((piece) => [...encoder.encode(piece)]);
  return Buffer.concat([...content, encoder.end()]);
}

describe('encode', () => {
  test.each([
    ['nothing', '', '.\r\n'],
    ['a line', 'a\r\n', 'a\r\n.\r\n'],
    ['no line end', 'a', 'a\r\n.\r\n'],
    ['a dot alone', '.', '..\r\n.\r\n'],
    ['dots at the start of lines', '.a\r\n..b\r\n', '..a\r\n...b\r\n.\r\n'],
    ['a dot inside a line', 'a.b\r\n', 'a.b\r\n.\r\n'],
    ['a dot behind a bare CR', 'a\r.\r\n', 'a\r.\r\n.\r\n'],
    ['a dot behind a bare LF', 'a\n.\r\n', 'a\n.\r\n.\r\n'],
    ['a bare CR at the end', 'a\r', 'a\r\r\n.\r\n'],
    ['a bare LF at the end', 'a\n', 'a\n\r\n.\r\n'],
    ['lone dots', '.\r\n'.repeat(20), '..\r\n'.repeat(20) + '.\r\n'],
  ])('%s', (_, content, wire) => {
    for (const { name, pieces } of chops(Buffer.from(content))) {
      expect({ name, wire: encode(pieces).toString() }).toEqual({ name, wire });
    }
  });

  test('an empty chunk changes nothing', () => {
    const empty = Buffer.alloc(0);
    const pieces = [empty, Buffer.from('.\r\n'), empty, Buffer.from('.\r\n'), empty];
    expect(encode(pieces).toString()).toBe('..\r\n..\r\n.\r\n');
  });

  test('untouched bytes are not copied', () => {
    const chunk = Buffer.from('a\r\n.b\r\n');
    const slices = new DataEncoder().encode(chunk);
    expect(slices.map((slice) => slice.buffer)).toEqual([chunk.buffer, chunk.buffer]);
  });
});

const content = fc
  .array(fc.constantFrom('\r\n', '\r', '.', '\r\n.', '\0', 'a', 'bcdefgh', '\r\n.\r\n'), {
    maxLength: 40,
  })
  .map((pieces) => Buffer.from(`${pieces.join('')}\r\n`.replace(/(?<!\r)\n/g, '')));

test('decode ∘ encode is the identity at every cut, and nothing but the end looks like it', () => {
  fc.assert(
    fc.property(content, (original) => {
      const wire = encode([original]);
      for (const { name, pieces } of chops(original)) {
        expect({ name, wire: encode(pieces) }).toEqual({ name, wire });
      }
      for (const { name, pieces } of chops(wire)) {
        const decoder = new DataDecoder({ bareCr: 'pass', messageBytesMax: 1 << 20 });
        const slices = pieces.flatMap((piece) => [...decoder.decode(piece).slices]);
        const { ended } = decoder;
        expect({ name, ended, content: Buffer.concat(slices) }).toEqual({
          name,
          ended: true,
          content: original,
        });
      }
      expect(`\r\n${wire.toString('latin1')}`.indexOf('\r\n.\r\n')).toBe(wire.length - 3);
    }),
  );
});
