import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DataDecoder, type DataOptions, type Violations } from '../../../src/protocol/smtp/data.ts';
import { chops } from '../../support/chop.ts';

interface Result {
  readonly content: string;
  readonly ended: boolean;
  readonly seen: readonly (keyof Violations)[];
  /** What was not consumed. */
  readonly rest: string;
}

function decode(pieces: Buffer[], options: Partial<DataOptions> = {}): Result {
  const decoder = new DataDecoder({ bareCr: 'pass', messageBytesMax: 1 << 20, ...options });
  const content: Buffer[] = [];
  const rest: Buffer[] = [];
  for (const piece of pieces) {
    const { slices, used } = decoder.decode(piece);
    content.push(...slices);
    rest.push(piece.subarray(used));
  }
  const names = ['bareLf', 'bareCr', 'lineEnd', 'crDot', 'tooLarge'] as const;
  return {
    content: Buffer.concat(content).toString('latin1'),
    ended: decoder.ended,
    seen: names.filter((name) => decoder.violations[name]),
    rest: Buffer.concat(rest).toString('latin1'),
  };
}

/** Every cut of `wire`, alone and with what may follow it in the same packet. */
function* arrivals(wire: string): Generator<{ name: string; pieces: Buffer[]; trailing: string }> {
  for (const trailing of ['', '.\r\n', 'QUIT\r\n']) {
    for (const { name, pieces } of chops(Buffer.from(wire + trailing, 'latin1'))) {
      yield { name: `${name}, then ${JSON.stringify(trailing)}`, pieces, trailing };
    }
  }
}

describe('content', () => {
  test.each([
    ['nothing', '.\r\n', ''],
    ['a line', 'a\r\n.\r\n', 'a\r\n'],
    ['an empty line', '\r\n.\r\n', '\r\n'],
    ['a stuffed dot', '..\r\n.\r\n', '.\r\n'],
    ['stuffed dots in a row', '..\r\n..\r\n...\r\n.\r\n', '.\r\n.\r\n..\r\n'],
    ['a dot that should have been stuffed', '.a\r\n.\r\n', 'a\r\n'],
    ['a dot at the end of a line', 'a.\r\n.\r\n', 'a.\r\n'],
    ['8-bit and NUL', '\xff\0\r\n.\r\n', '\xff\0\r\n'],
    ['many stuffed lines', `${'..a\r\n'.repeat(30)}.\r\n`, '.a\r\n'.repeat(30)],
  ])('%s', (_, wire, content) => {
    for (const { name, pieces, trailing } of arrivals(wire)) {
      expect({ name, ...decode(pieces) }).toEqual({
        name,
        content,
        ended: true,
        seen: [],
        rest: trailing,
      });
    }
  });
});

/**
 * The endings of SMTP smuggling (SEC Consult 2023, and what was found since): none ends the data,
 * each is reported. `ending` stands between two lines, and the true end follows.
 */
const smuggling: [ending: string, content: string, seen: (keyof Violations)[]][] = [
  ['\n.\n', '', ['bareLf', 'lineEnd']],
  ['\n.\r\n', '', ['bareLf', 'lineEnd']],
  ['\n.\r', '', ['bareLf', 'bareCr', 'lineEnd']],
  ['\r\n.\n', '\r\n', ['bareLf', 'lineEnd']],
  ['\n\n.\r\n', '', ['bareLf', 'lineEnd']],
  ['\n.\r\r\n', '', ['bareLf', 'bareCr', 'lineEnd']],
  ['\r.\n', '\r.', ['bareLf', 'bareCr', 'lineEnd']],
  ['\r.\r', '\r.\r', ['bareCr', 'crDot']],
  ['\r.\r\n', '\r.\r\n', ['bareCr', 'crDot']],
  ['\r\r.\r\r', '\r\r.\r\r', ['bareCr', 'crDot']],
  ['\r\n..\r', '\r\n.\r', ['bareCr', 'crDot']],
  ['\r\n..\r\r\n', '\r\n.\r\r\n', ['bareCr', 'crDot']],
  // The first dot of a line is dropped, so what leaves us has none.
  ['\r\n.\r', '\r\n\r', ['bareCr']],
  ['\r\n.\r\r\n', '\r\n\r\r\n', ['bareCr']],
  ['\r..\r', '\r..\r', ['bareCr']],
  ['\r.a\r', '\r.a\r', ['bareCr']],
  ['\r\n\0.\r\n', '\r\n\0.\r\n', ['crDot']],
  ['\r\n.\0\r\n', '\r\n\0\r\n', []],
  ['\r\n..\0\r\n', '\r\n.\0\r\n', ['crDot']],
  ['\r.\0\r\n', '\r.\0\r\n', ['bareCr', 'crDot']],
];

describe('smuggling', () => {
  test.each(smuggling)('%j', (ending, content, seen) => {
    const stopped = seen.includes('lineEnd');
    for (const { name, pieces, trailing } of arrivals(`a${ending}b\r\n.\r\n`)) {
      expect({ name, ...decode(pieces) }).toEqual({
        name,
        content: stopped ? `a${content}` : `a${content}b\r\n`,
        ended: true,
        seen,
        rest: trailing,
      });
    }
  });

  test.each([
    ['at the start of the data', '..\rb\r\n.\r\n'],
    ['a NUL at the start of the data', '\0.\r\n.\r\n'],
    ['before the end of the data', 'a\r.\r\n.\r\n'],
    ['at the start, as a bare CR', '\r.\r\n.\r\n'],
  ])('a lone dot %s', (_, wire) => {
    for (const { name, pieces } of arrivals(wire)) {
      const { seen, ended } = decode(pieces);
      expect({ name, crDot: seen.includes('crDot'), ended }).toEqual({
        name,
        crDot: true,
        ended: true,
      });
    }
  });

  test('CR CR LF . CR LF holds the true end of data', () => {
    for (const { name, pieces, trailing } of arrivals('a\r\r\n.\r\n')) {
      const { content, rest } = decode(pieces);
      expect({ name, content, rest }).toEqual({ name, content: 'a\r\r\n', rest: trailing });
    }
  });
});

describe('rules for a bare CR', () => {
  test.each<[DataOptions['bareCr'], string, string, (keyof Violations)[]]>([
    ['pass', 'a\rb\r\n.\r\n', 'a\rb\r\n', ['bareCr']],
    ['refuse', 'a\rb\r\n.\r\n', 'a', ['bareCr', 'lineEnd']],
    ['refuse', 'a\r\nb\r\n.\r\n', 'a\r\nb\r\n', []],
    ['space', 'a\rb\r\n.\r\n', 'a b\r\n', ['bareCr']],
    ['space', 'a\r.\r\r\n.\r\n', 'a . \r\n', ['bareCr']],
    ['space', '\r\r\n.\r\r\n.\r\n', ' \r\n \r\n', ['bareCr']],
    ['space', `${'a\r'.repeat(20)}\r\n.\r\n`, `${'a '.repeat(20)}\r\n`, ['bareCr']],
  ])('%s: %j', (bareCr, wire, content, seen) => {
    for (const { name, pieces, trailing } of arrivals(wire)) {
      expect({ name, ...decode(pieces, { bareCr }) }).toEqual({
        name,
        content,
        ended: true,
        seen,
        rest: trailing,
      });
    }
  });
});

describe('the size ceiling', () => {
  test.each([
    [6, 'abcd\r\n', []],
    [5, 'abcd\r', ['tooLarge']],
    [2, 'ab', ['tooLarge']],
    [0, '', ['tooLarge']],
  ])('%d bytes', (messageBytesMax, content, seen) => {
    for (const { name, pieces, trailing } of arrivals('abcd\r\n.\r\n')) {
      expect({ name, ...decode(pieces, { messageBytesMax }) }).toEqual({
        name,
        content,
        ended: true,
        seen,
        rest: trailing,
      });
    }
  });

  test('counts stuffed dots and the end of data as none of the content', () => {
    const { seen } = decode([Buffer.from('..\r\n..\r\n.\r\n')], { messageBytesMax: 6 });
    expect(seen).toEqual([]);
  });
});

test('slices share the bytes of the input and are few', () => {
  const wire = Buffer.from('abc\r\n..def\r\n.\r\n');
  const { slices } = new DataDecoder({ bareCr: 'pass', messageBytesMax: 100 }).decode(wire);
  expect(slices.map((slice) => slice.buffer)).toEqual([wire.buffer, wire.buffer]);
  const dots = Buffer.from('..\r\n'.repeat(5000));
  const many = new DataDecoder({ bareCr: 'pass', messageBytesMax: 1 << 20 }).decode(dots);
  expect(many.slices.length).toBeLessThan(10);
});

/** The definition, written without regard to speed or cuts. */
function reference(wire: string): { content: string; rest: string } | undefined {
  const end = wire.startsWith('.\r\n') ? 0 : wire.indexOf('\r\n.\r\n') + 2;
  if (end === 1) return undefined;
  return { content: wire.slice(0, end).replace(/(^|\r\n)\./g, '$1'), rest: wire.slice(end + 3) };
}

const nasty = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '.', '\r\n.', '\0', 'a', 'bcdefgh'), { maxLength: 40 })
  .map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat(60), { maxLength: 6 });

function cutUp(text: string, at: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const places = [0, ...[...at].sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], Math.max(to, 0)));
}

test('agrees with the definition on any bytes without a bare LF', () => {
  fc.assert(
    fc.property(nasty, cuts, (text, at) => {
      const wire = `${text.replace(/(?<!\r)\n/g, '')}\r\n.\r\nrest`;
      const { content, rest, ended } = decode(cutUp(wire, at));
      expect({ content, rest, ended }).toEqual({ ...reference(wire), ended: true });
    }),
    { numRuns: 1000 },
  );
});

test('says the same for any bytes at any cut, under every rule and ceiling', () => {
  fc.assert(
    fc.property(
      nasty,
      cuts,
      fc.constantFrom('pass' as const, 'refuse' as const, 'space' as const),
      fc.integer({ min: 0, max: 60 }),
      (text, at, bareCr, messageBytesMax) => {
        const options = { bareCr, messageBytesMax };
        const wire = `${text}\r\n.\r\n`;
        const whole = decode([Buffer.from(wire, 'latin1')], options);
        expect(decode(cutUp(wire, at), options)).toEqual(whole);
        expect(whole.ended).toBe(true);
        expect(whole.content.length).toBeLessThanOrEqual(messageBytesMax);
        if (bareCr === 'space') expect(whole.content).not.toMatch(/\r[^\n]/);
        const beforeEnd = wire.slice(0, wire.length - whole.rest.length);
        expect(whole.seen.includes('bareLf')).toBe(/(?<!\r)\n/.test(beforeEnd));
      },
    ),
    { numRuns: 1000 },
  );
});
