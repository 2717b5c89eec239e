/** That lines of equal length, which Node.js decodes, come to the same as letter by letter. */
import { expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { Base64 } from '../../src/reading/base64.ts';
import type { Base64Name } from '../../src/reading/decoder.ts';

interface Decoded {
  readonly text: string;
  readonly others: readonly string[];
}

function decoded(name: Base64Name, pieces: Iterable<Buffer>): Decoded {
  const decoder = new Base64(name);
  const out = Array.from(pieces, (piece) => Buffer.from(decoder.decode(piece)));
  const text = Buffer.concat([...out, decoder.end()]).toString('latin1');
  return { text, others: decoder.others };
}

/** What is fed byte by byte has no lines. */
const byLetters = (name: Base64Name, bytes: Buffer): Decoded =>
  decoded(
    name,
    Array.from(bytes, (byte) => Buffer.of(byte)),
  );

const names: readonly Base64Name[] = [
  'base64',
  'base64 with = left out',
  'base64 with = as zero',
  'base64 with URL-safe letters',
  'base64, each line by itself',
  'base64 in folded lines',
];

const lines = fc.record({
  content: fc.uint8Array({ minLength: 100, maxLength: 2000 }),
  width: fc.integer({ min: 0, max: 30 }),
  end: fc.constantFrom('\r\n', '\n', '\r', '\r\r\n', ' \n'),
  /** What is put in another letter's place, or between two. */
  odd: fc.array(
    fc.record({
      at: fc.nat(),
      bytes: fc.constantFrom('-', '_', '=', '*', ' ', '\r', '\n', '\r\n', '\0', 'A', 'QQ=='),
      instead: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});

it.each(names)('%s', (name) => {
  fc.assert(
    fc.property(lines, ({ content, width, end, odd }) => {
      const letters = Buffer.from(content).toString('base64');
      let text =
        width === 0 ? letters : letters.replace(RegExp(`.{1,${width * 4}}`, 'g'), `$&${end}`);
      for (const { at, bytes, instead } of odd) {
        const place = at % text.length;
        text = text.slice(0, place) + bytes + text.slice(instead ? place + bytes.length : place);
      }
      const bytes = Buffer.from(text, 'latin1');
      expect(decoded(name, [bytes])).toEqual(byLetters(name, bytes));
    }),
    { numRuns: 300 },
  );
});

const line = `${'QUJD'.repeat(19)}\r\n`;

/** Node.js would take the first two for letters, and leave out the others. */
it.each(['-', '_', '*', '=', ' ', '\0', '\x80'])('%j among the letters', (odd) => {
  for (const name of names) {
    const bytes = Buffer.from(
      `${line.repeat(5)}QU${odd}D${line.slice(4)}${line.repeat(5)}`,
      'latin1',
    );
    expect(decoded(name, [bytes])).toEqual(byLetters(name, bytes));
  }
});

/** With time that grows with the square of it this would take minutes, and the test would not end. */
it.each(['.\n', 'A\r\n', 'AA\n', '-\n', 'AA.\n', 'AAA=\r\n', '\n'])('a megabyte of %j', (short) => {
  const decoder = new Base64();
  const out = decoder.decode(Buffer.from(short.repeat(1_000_000 / short.length)));
  expect(out.length).toBeLessThan(1_000_000);
});

test('a letter in place of a CR counts in none of the lines', () => {
  const bytes = Buffer.from(`${line.repeat(5)}${'QUJD'.repeat(19)}A\n${line.repeat(5)}`);
  expect(decoded('base64', [bytes])).toEqual(byLetters('base64', bytes));
});

test('lines of nothing are nothing', () => {
  expect(decoded('base64', [Buffer.from('\r\n'.repeat(1000))])).toEqual({ text: '', others: [] });
});
