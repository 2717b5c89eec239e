import { expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesGlob } from '../../src/verdict/glob.ts';

it.each([
  ['*.exe', 'a.exe', true],
  ['*.exe', '.exe', true],
  ['*.exe', 'a.exe.txt', false],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['?', '', false],
  ['*a*b', 'xaxbxb', true],
  ['*a*b', 'xbxa', false],
  ['a.c', 'abc', false],
  ['**', 'abc', true],
])('%s and %s: %s', (glob, text, matches) => {
  expect(matchesGlob(glob, text)).toBe(matches);
});

test('it is what the regular expression says', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
  fc.assert(
    fc.property(letters, texts, (glob, text) => {
      const form = glob.replaceAll('*', '.*').replaceAll('?', '.');
      expect(matchesGlob(glob, text)).toBe(new RegExp(`^${form}$`).test(text));
    }),
  );
});

test('stars and a long text do not multiply', () => {
  expect(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(200_000))).toBe(false);
});
