import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { blanksMax, QuotedPrintable } from '../../src/reading/quoted-printable.ts';

/** What mailsplit would use; it is a dependency of mailparser, so it is found from there. */
const libqp = createRequire(createRequire(import.meta.url).resolve('mailparser'))('libqp') as {
  decode(bytes: Buffer): Buffer;
};

function decode(pieces: readonly Buffer[]): string {
  const decoder = new QuotedPrintable();
  const out = pieces.map((piece) => decoder.decode(piece));
  return Buffer.concat([...out, decoder.end()]).toString('latin1');
}

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test.each([
  ['=41=4a=4A', 'AJJ'],
  ['a=\r\nb=\nc', 'abc'],
  ['a=  \t\r\nb', 'ab'],
  ['a \t\r\nb \nc ', 'a\r\nb\nc'],
  ['=4', '=4'],
  ['=4=\r\n1', 'A'],
  ['==\r\n41', 'A'],
  ['==41', '=A'],
  ['=\rb', '=\rb'],
  ['=', ''],
  ['= ', ''],
  ['= x', '= x'],
  ['=zz=', '=zz'],
  ['a  =20\r\n', 'a   \r\n'],
])('%j', (text, expected) => {
  expect(decode([Buffer.from(text)])).toBe(expected);
});

test('is what libqp makes of it, for any bytes at any cut', () => {
  const piece = fc.constantFrom('=', '4', 'a', 'G', ' ', '\t', '\r', '\n', '\r\n', '=\r\n', '\xff');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (words, cuts) => {
        const bytes = Buffer.from(words.join(''), 'latin1');
        expect(decode(cutUp(bytes, cuts))).toBe(libqp.decode(bytes).toString('latin1'));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a line end drops a run of blanks up to the ceiling', () => {
  const run = Buffer.alloc(blanksMax, ' ');
  const end = Buffer.from('\r\nx');
  expect(decode([Buffer.from('a='), run, end])).toBe('ax');
  const beyond = decode([Buffer.from('a='), run, Buffer.from('\t'), end]);
  expect(beyond).toBe(`a=${run.toString()}\r\nx`);
});

test('holds no more than its ceiling, and keeps blanks that are beyond it', () => {
  const decoder = new QuotedPrintable();
  let size = 0;
  for (let round = 0; round < 64; round++) {
    size += decoder.decode(Buffer.alloc(16 * 1024, ' ')).length;
    expect(decoder.held).toBeLessThanOrEqual(blanksMax);
  }
  size += decoder.decode(Buffer.from('x')).length;
  expect(size).toBe(64 * 16 * 1024 + 1);
});

test('what is handed out comes at once: memory does not grow with the part', () => {
  const decoder = new QuotedPrintable();
  const lines = Buffer.from(`${' '.repeat(990)}x\r\n`.repeat(2000));
  // Not toEqual, which takes seconds for a buffer of this size.
  expect(decoder.decode(lines).equals(lines)).toBe(true);
  expect(decoder.held).toBe(0);
});
