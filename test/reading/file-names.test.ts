import { expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { fileNamesIn } from '../../src/reading/file-names.ts';
import { defaultReadingLimits } from '../../src/reading/plan.ts';
import { Survey } from '../../src/reading/survey.ts';

it.each([
  ['attachment; filename=a.exe', 'a.exe'],
  ['attachment; filename="a b.exe"', 'a b.exe'],
  ['attachment; filename="a\\".exe"', 'a".exe'],
  ['attachment; filename="a.exe', 'a.exe'],
  ['attachment; filename = a b.exe; x=y', 'a b.exe'],
  ["attachment; filename='a.exe'", 'a.exe'],
  ['attachment; filename(x)=(y)"a.exe"', 'a.exe'],
  ['application/x; name="b.exe"', 'b.exe'],
  ['attachment; filename=a.txt; filename=b.exe', 'b.exe'],
  ["attachment; filename*=utf-8''%61.exe", 'a.exe'],
  ["attachment; filename*=iso-8859-1'de'%fc.exe", 'ü.exe'],
  ["attachment; filename*1=.exe; filename*0*=utf-8''%61", 'a.exe'],
  ['attachment; filename*0="a."; filename*1="exe"', 'a.exe'],
  ['attachment; filename="=?utf-8?B?w7wuZXhl?="', 'ü.exe'],
  ['attachment; filename="=?utf-8?Q?=C3=BC?= =?utf-8?Q?.exe?="', 'ü.exe'],
  ['attachment; filename="=?no-such?Q?a=2Eexe?="', 'a.exe'],
  ["attachment; filename*=utf-7''a+AC4-exe", 'a.exe'],
  ["attachment; filename*=gbk''%b1%ed.exe", '表.exe'],
  ["attachment; filename*=iso-2022-kr''a.e%1b$)Cxe", 'a.exe'],
  ["attachment; filename*=cp037''%81%4b%85%a7%85", 'a.exe'],
  ['attachment; filename="=?utf-7?Q?a+AC4-exe?="', 'a.exe'],
  ['attachment; filename="\xc3\xbc.exe"', 'ü.exe'],
])('%s gives %s', (value, name) => {
  expect(fileNamesIn(value)).toContain(name);
});

test('a field without a name gives none', () => {
  expect(fileNamesIn('text/plain; charset=utf-8').size).toBe(0);
});

test('any field is taken, and gives no more than a few', () => {
  const pieces = fc.constantFrom(
    'filename',
    '*0*',
    '=',
    '"',
    ';',
    '(',
    ')',
    '=?utf-8?B?',
    '?=',
    '%41',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 300 }), (all) => {
      expect(fileNamesIn(all.join('')).size).toBeLessThan(2500);
    }),
  );
});

function called(message: string): { names: string[]; types: string[] } {
  const survey = new Survey(defaultReadingLimits);
  survey.feed(Buffer.from(message.replaceAll('\n', '\r\n')));
  survey.end();
  return { names: [...survey.called.names], types: [...survey.called.types] };
}

test('continuations that hold one another come to no more than a name', () => {
  const nested = `${'name*0*='.repeat(64)}${'x'.repeat(4000)}.exe`;
  const names = [...fileNamesIn(nested)];
  expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(4096);
  expect(names.some((name) => name.endsWith('.exe'))).toBe(true);
});

test.each([
  ['application/(x)x-msdownload', 'application/x-msdownload'],
  ['(x/y) application/x-msdownload', 'application/x-msdownload'],
])('the type %s is also %s', (value, type) => {
  expect(called(`Content-Type: ${value}\n\nx\n`).types).toContain(type);
});

test('a survey tells the names and types of all headers', () => {
  const part =
    'Content-Type: Application/PDF;\n name=a.pdf\nContent-Disposition: x; filename=b.exe\n\nx\n';
  const { names, types } = called(
    `Content-Type: multipart/mixed; boundary=b\n\n--b\n${part}--b--\n`,
  );
  expect(names).toEqual(['a.pdf', 'b.exe']);
  expect(types).toEqual(['multipart/mixed', 'application/pdf']);
});
