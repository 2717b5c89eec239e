/** Lines as the most lenient reader cuts them, however they come; and those that are passed over. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headBytesMax, type Line, LineCutter, type Matters } from '../../src/reading/lines.ts';

interface Told {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly bareCr: boolean;
  readonly afterBareCr: boolean;
  readonly head: string;
}

function told({ start, end, next, bareCr, afterBareCr, head }: Line): Told {
  return { start, end, next, bareCr, afterBareCr, head: head.toString('latin1') };
}

function linesOf(chunks: readonly Buffer[], matters?: Matters): Told[] {
  const lines: Told[] = [];
  const cutter = new LineCutter((line) => lines.push(told(line)), matters);
  for (const chunk of chunks) cutter.feed(chunk);
  cutter.end();
  return lines;
}

/** As said in the file's first words, with nothing that makes it fast. */
function simply(text: string): Told[] {
  let start = 0;
  let afterBareCr = false;
  return [...text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)]
    .filter(([whole]) => whole !== '')
    .map(([whole, line = '', lineEnd]) => {
      const bareCr = lineEnd === '\r';
      const place = { start, end: start + line.length, next: start + whole.length };
      const one = { ...place, bareCr, afterBareCr, head: line.slice(0, headBytesMax) };
      start = one.next;
      afterBareCr = bareCr;
      return one;
    });
}

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\r\r\n', '', ':', 'a:b', '--', '-'),
  },
  { weight: 3, arbitrary: fc.nat(90).map((length) => 'x'.repeat(length)) },
  { weight: 2, arbitrary: fc.nat(40).map((count) => `${'y'.repeat(76)}\r\n`.repeat(count)) },
  { weight: 1, arbitrary: fc.nat(40).map((count) => `${'z'.repeat(76)}\r`.repeat(count)) },
  { weight: 1, arbitrary: fc.constant('w'.repeat(headBytesMax + 5)) },
);
const texts = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat(3000), { maxLength: 12 });

/** The text in chunks of these lengths, the last one with the rest. */
function cut(text: string, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const length of [...lengths, text.length]) {
    chunks.push(Buffer.from(text.slice(from, from + length), 'latin1'));
    from += length;
  }
  return chunks;
}

test('lines are cut as the simplest reader cuts them, at whatever places the bytes are', () => {
  fc.assert(
    fc.property(texts, cuts, (text, lengths) => {
      expect(linesOf(cut(text, lengths))).toEqual(simply(text));
    }),
    { numRuns: 300 },
  );
});

const colons: Matters = (chunk, from) => {
  const found = chunk.indexOf(':', from);
  return found === -1 ? chunk.length : found;
};

test('no line that matters is passed over, nor the two before it', () => {
  let passed = 0;
  fc.assert(
    fc.property(texts, cuts, (text, lengths) => {
      const all = simply(text);
      const some = linesOf(cut(text, lengths), colons);
      passed += all.length - some.length;
      expect(all).toEqual(expect.arrayContaining(some));
      expect(some.map(({ start }) => start)).toEqual(
        some.map(({ start }) => start).sort((one, other) => one - other),
      );
      const wanted = all.filter((_, at) =>
        all.slice(at, at + 3).some(({ head }) => head.includes(':')),
      );
      expect(some).toEqual(expect.arrayContaining(wanted));
    }),
    { numRuns: 300 },
  );
  expect(passed).toBeGreaterThan(100);
});

test('of many lines that do not matter few are told of', () => {
  const text = `${'x'.repeat(76)}\r\n`.repeat(1000);
  expect(linesOf(cut(text, [16_384, 16_384, 16_384]), colons).length).toBeLessThan(20);
});

test('a byte of the head is what stands there, and behind it there is none', () => {
  const seen: (number | undefined)[] = [];
  const cutter = new LineCutter((line) =>
    seen.push(line.byteAt(0), line.byteAt(1), line.byteAt(2)),
  );
  cutter.feed(Buffer.from('ab\r\nc'));
  cutter.feed(Buffer.from('de\r\n'));
  expect(seen).toEqual([0x61, 0x62, undefined, 0x63, 0x64, 0x65]);
});
