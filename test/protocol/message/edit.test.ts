import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { editHeader } from '../../../src/protocol/message/edit.ts';

const crlf = (text: string) => text.replaceAll('\n', '\r\n');
const name = 'X-Virus-Scanned';
const stamp = `${name}: clamgate\r\n`;

function edited(text: string, prepend: string | undefined = stamp, remove = [name]): string {
  return Buffer.concat(editHeader(Buffer.from(text), { remove, prepend })).toString();
}

describe('an edited header section', () => {
  const cases: { name: string; before: string; after: string }[] = [
    { name: 'has our field on top', before: 'A: 1\n\n', after: `${stamp}A: 1\n\n` },
    {
      name: 'loses forged fields in any case',
      before: `A: 1\nx-VIRUS-scanned: forged\nB: 2\n${name}: 2\n\n`,
      after: `${stamp}A: 1\nB: 2\n\n`,
    },
    {
      name: 'loses a forged field with blanks before its colon',
      before: `${name} \t: forged\nA: 1\n\n`,
      after: `${stamp}A: 1\n\n`,
    },
    {
      name: 'loses continuation lines too',
      before: `A: 1\n${name}: a\n b\n\tc\n \nB: 2\n\n`,
      after: `${stamp}A: 1\nB: 2\n\n`,
    },
    {
      name: 'loses a forged field below a line that is none',
      before: `A: 1\nwhat\n${name}: forged\n\n`,
      after: `${stamp}A: 1\nwhat\n\n`,
    },
    {
      name: 'loses a forged field at the end without a line end',
      before: `A: 1\n${name}: forged`,
      after: `${stamp}A: 1\n`,
    },
    {
      name: 'keeps longer and shorter names',
      before: `${name}-By: 1\nX-Virus: 2\n\n`,
      after: `${stamp}${name}-By: 1\nX-Virus: 2\n\n`,
    },
    {
      name: 'keeps a line that is no field, with its continuation',
      before: `A: 1\n${name} no colon\n ${name}: x\n\n`,
      after: `${stamp}A: 1\n${name} no colon\n ${name}: x\n\n`,
    },
    {
      name: 'keeps what only looks like a field after a bare CR',
      before: `A: 1\r${name}: x\n\n`,
      after: `${stamp}A: 1\r${name}: x\n\n`,
    },
    ...[
      ['CRLF in its name', 'X-Virus-\n Scanned: forged'],
      ['CRLF before its colon', `${name}\n \t\n : forged\n and folded`],
      ['NUL in its name', 'X-Vi\0rus-Scanned\0: forged'],
      ['blanks in its name', 'X-Virus \t-Scanned: forged'],
      ['a bare CR in its name', 'X-Virus\r-Scanned: forged'],
      ['a bare CR before it', `\r${name}: forged`],
      ['NUL before it', `\0${name}: forged`],
    ].map(([disguise = '', forged = '']) => ({
      name: `loses a forged field with ${disguise}`,
      before: `A: 1\n${forged}\nB: 2\n\n`,
      after: `${stamp}A: 1\nB: 2\n\n`,
    })),
    {
      name: 'loses a forged first line with leading blanks, and then has ours on top',
      before: ` \t${name}: forged\nA: 1\n\n`,
      after: `${stamp}A: 1\n\n`,
    },
    {
      name: 'loses a forged first line of blanks that goes on',
      before: ` \n ${name}: forged\n\n`,
      after: `${stamp}\n`,
    },
    {
      name: 'keeps a line of another field that looks forged',
      before: `A: 1\n ${name}: x\n\t${name}: y\n\n`,
      after: `${stamp}A: 1\n ${name}: x\n\t${name}: y\n\n`,
    },
    {
      name: 'keeps names with anything more in them',
      before: `\x01${name}: 1\nX: ${name}: 2\n:${name}: 3\n\n`,
      after: `\x01${name}: 1\nX: ${name}: 2\n:${name}: 3\n\n`,
    },
    { name: 'can be empty before', before: '\n', after: `${stamp}\n` },
    { name: 'can be nothing at all before', before: '', after: stamp },
    {
      name: 'gets nothing put before a continuation line',
      before: ' A: 1\n\n',
      after: ' A: 1\n\n',
    },
    {
      name: 'gets nothing put before a line that is no field',
      before: 'Hello world\n\n',
      after: 'Hello world\n\n',
    },
    {
      name: 'gets nothing put before an mbox line',
      before: 'From a@b Mon Jan  1 10:00:00 2025\nA: 1\n\n',
      after: 'From a@b Mon Jan  1 10:00:00 2025\nA: 1\n\n',
    },
  ];
  test.each(cases)('$name', ({ before, after }) => {
    expect(edited(crlf(before))).toBe(crlf(after.replaceAll('\r\n', '\n')));
  });

  test.each(['no field\r\n', 'X: no line end', 'X: 1\r\n\r\n', 'X: 1\r\nY: 2', 'X: a\nb\r\n'])(
    'does not take %j for a field line',
    (prepend) => {
      expect(() => edited('A: 1\r\n\r\n', prepend)).toThrow('what is prepended is a field');
    },
  );
});

describe('whatever the bytes', () => {
  const piece = fc.constantFrom(
    'A: 1',
    name,
    ':',
    ' ',
    '\t',
    '\r\n',
    '\r',
    '\n',
    'x',
    '\0',
    '\xff',
    '\r\n ',
    '\r\n\r\n',
  );
  const header = fc
    .array(piece, { maxLength: 40 })
    .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

  test('an edit of nothing changes nothing', () => {
    fc.assert(
      fc.property(header, (bytes) => {
        const result = editHeader(bytes, { remove: [], prepend: undefined });
        expect(Buffer.concat(result)).toEqual(bytes);
      }),
    );
  });

  /** Lines with those that continue them, up to the empty line; and what follows. */
  function linesOf(text: string): [lines: string[], rest: string] {
    const [section = ''] = /^(?:(?!\r\n)[^]*?(?:\r\n(?=\r\n)|$))?/.exec(text) ?? [];
    return [section.split(/(?<=\r\n)(?![ \t]|$)/), text.slice(section.length)];
  }

  function isForged(line: string): boolean {
    const [before, value] = line.split(/:([^]*)/);
    return (
      value !== undefined && before?.replace(/[\0\s]/g, '').toLowerCase() === 'x-virus-scanned'
    );
  }

  test('what might be taken for the field is taken out, and nothing else changes', () => {
    fc.assert(
      fc.property(header, (bytes) => {
        const result = editHeader(bytes, { remove: [name], prepend: undefined });
        const [lines, rest] = linesOf(bytes.toString('latin1'));
        const kept = lines.filter((line) => !isForged(line)).join('') + rest;
        expect(Buffer.concat(result).toString('latin1')).toBe(kept);
      }),
      { numRuns: 500 },
    );
  });

  test('the field is found in any disguise', () => {
    const filler = fc.constantFrom('\r', '\n', '\0', ' ', '\t', '\r\n ', '\r\n\t');
    const place = fc.record({ at: fc.nat(name.length), filler });
    fc.assert(
      fc.property(fc.array(place, { maxLength: 6 }), fc.boolean(), (places, upper) => {
        const letters = Array.from(`${upper ? name.toUpperCase() : name}:`);
        for (const { at, filler: before } of places) letters[at] = before + (letters[at] ?? '');
        const forged = letters.join('');
        // A first blank would make it a part of the field above, and a CRLF would end the line.
        fc.pre(!/^[ \t]|^\r\n|\r\n(?![ \t])/.test(forged));
        expect(edited(`A: 1\r\n${forged} x\r\nB: 2\r\n\r\n`)).toBe(`${stamp}A: 1\r\nB: 2\r\n\r\n`);
      }),
    );
  });

  test.each([
    ['blanks', ' '],
    ['folds', '\r\n '],
    ['carriage returns', '\r'],
    ['names', 'X-Virus-Scanned'],
    ['fields', 'x:\r\n'],
    ['forged fields', `${name}:\r\n`],
  ])('a section full of %s is edited in linear time', (_, filler) => {
    const section = Buffer.from(`A${filler.repeat((1 << 20) / filler.length)}:\r\n\r\n`);
    const began = performance.now();
    editHeader(section, { remove: [name], prepend: stamp });
    // It takes some 100 ms; in quadratic time it would be minutes.
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
