import { expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { nameForms, nameTricks, tricksIn } from '../../src/verdict/file-name.ts';

it.each([
  ['Invoice.PDF.exe', 'invoice.pdf.exe'],
  ['a.exe. . .', 'a.exe'],
  ['a.exe\u00a0', 'a.exe'],
  ['a.e\u200bxe', 'a.exe'],
  ['ann\u202etxt.exe', 'anntxt.exe'],
  ['a.ex\u0001e', 'a.exe'],
  ['a.exe\0.txt', 'a.exe'],
  ['a.txt\0.exe', 'a.txt.exe'],
  ['ａ．ｅｘｅ', 'a.exe'],
  ['C:\\dir\\a.exe', 'a.exe'],
  ['dir/a.exe', 'a.exe'],
  ['a.exe::$DATA', 'a.exe'],
  ['a.pdf.exe/', 'a.pdf.exe'],
  ['dir\\a.exe\\', 'a.exe'],
  ['a.exe//', 'a.exe'],
  ['a.exe/.', 'a.exe'],
  ['a.exe/ \\ ', 'a.exe'],
  ['a.exe\u200b/', 'a.exe'],
  ['a.exe/\u200b', 'a.exe'],
  ['a.exe/:', 'a.exe'],
  ['a.exe/::$DATA', 'a.exe'],
  ['a.exe:x/', 'a.exe'],
  ['a/:b.exe', ':b.exe'],
  [`${'n'.repeat(10_000)}.exe`, `${'n'.repeat(4092)}.exe`],
])('%j is also %j', (name, form) => {
  expect(nameForms(name)).toContain(form);
});

it.each([
  ['invoice.pdf', []],
  ['a.tar.gz', []],
  ['v1.2.exe', []],
  ['שלום.pdf', []],
  ['👩\u200d💻.txt', []],
  ['.htaccess', []],
  ['...', []],
  ['invoice.pdf.exe', ['double-extension']],
  ['invoice.pdf      .EXE', ['double-extension']],
  ['invoice.pdf.exe. ', ['double-extension', 'trailing-dots']],
  ['ann\u202etxt.exe', ['direction-override']],
  ['a\u200b.exe', ['hidden-characters']],
  ['a\u0007.exe', ['hidden-characters']],
  ['invoice.pdf.exe/', ['double-extension']],
  ['a.exe ', ['trailing-dots']],
  ['a.exe..', ['trailing-dots']],
])('%j has the tricks %j', (name, tricks) => {
  expect([...tricksIn(name)]).toEqual(tricks);
});

test.each(['dir.exe/a.txt', 'dir.exe\\a.txt/', 'dir.exe/a:b'])(
  '%j is not called dir.exe',
  (name) => {
    expect(nameForms(name)).not.toContain('dir.exe');
  },
);

test('what leaves no component at the end changes no form', () => {
  const nothing = fc.string({ unit: fc.constantFrom('/', '\\', ' ', '.', '\u00a0', '\u200b') });
  fc.assert(
    fc.property(nothing, (end) => {
      expect(nameForms(`virus.exe/${end}`)).toEqual(nameForms('virus.exe'));
    }),
  );
});

test('what cannot be seen changes no form', () => {
  const unseen = fc.constantFrom('\u200b', '\u202e', '\u2060', '\ufeff', '\u00ad', '\u0001');
  fc.assert(
    fc.property(fc.nat(9), unseen, (at, character) => {
      const name = 'virus.exe';
      expect(nameForms(name.slice(0, at) + character + name.slice(at))).toContain(name);
    }),
  );
});

test('any text is taken', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      expect([...tricksIn(name)].every((trick) => nameTricks.includes(trick))).toBe(true);
      expect(nameForms(name)).not.toContain('');
    }),
  );
});
