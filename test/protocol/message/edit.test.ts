import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { editHeader } from '../../../src/protocol/message/edit.ts';
import { fields } from '../../../src/protocol/message/header.ts';

const crlf = (text: string) => text.replaceAll('\n', '\r\n');
const name = 'X-Virus-Scanned';
const stamp = `${name}: clamgate\r\n`;

function edited(text: string, prepend: string | undefined = stamp, remove = [name]): string {
  return Buffer.concat(editHeader(Buffer.from(crlf(text)), { remove, prepend })).toString();
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
    expect(edited(before)).toBe(crlf(after.replaceAll('\r\n', '\n')));
  });

  test.each(['no field\r\n', 'X: no line end', 'X: 1\r\n\r\n', 'X: 1\r\nY: 2', 'X: a\nb\r\n'])(
    'does not take %j for a field line',
    (prepend) => {
      expect(() => edited('A: 1\n\n', prepend)).toThrow('what is prepended is a field');
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

  test('the bytes outside of the removed fields are the same, and no such field is left', () => {
    fc.assert(
      fc.property(header, (bytes) => {
        const result = Buffer.concat(editHeader(bytes, { remove: [name], prepend: undefined }));
        const removed = [...fields(bytes)].filter((field) => field.name === name);
        const kept: Buffer[] = [];
        let from = 0;
        for (const { start, end } of removed) {
          kept.push(bytes.subarray(from, start));
          from = end;
        }
        kept.push(bytes.subarray(from));
        expect(result).toEqual(Buffer.concat(kept));
      }),
    );
  });
});
