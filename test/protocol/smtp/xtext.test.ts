import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeXtext, encodeXtext } from '../../../src/protocol/smtp/xtext.ts';

test('decode ∘ encode is the identity, and the code is printable ASCII without "="', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const encoded = encodeXtext(text);
      expect(encoded).toMatch(/^[!-<>-~]*$/);
      expect(decodeXtext(encoded)).toBe(text);
    }),
  );
});

test.each([
  ['RFC 3461 §4.2', 'Bob@example.com', 'Bob@example.com'],
  ['a plus', 'bob+2Bfilter@example.com', 'bob+filter@example.com'],
  ['an equals sign, coded and as Postfix leaves it', 'a+3Db=c', 'a=b=c'],
  ['small digits', 'a+2bb', 'a+b'],
  ['UTF-8 over two octets', 'gr+C3+BCn', 'grün'],
  ['an octet that is not UTF-8', '+FF', '\ufffd'],
  ['nothing', '', ''],
])('decodes %s', (_, encoded, text) => {
  expect(decodeXtext(encoded)).toBe(text);
});

test.each(['+', 'a+2', '+2G', '+-1', 'a b', 'tab\t', '\x7f'])('refuses %j', (text) => {
  expect(decodeXtext(text)).toBeUndefined();
});

test.each([
  ['a b', 'a+20b'],
  ['a+b=c', 'a+2Bb+3Dc'],
  ['\n', '+0A'],
])('encodes %j', (text, encoded) => {
  expect(encodeXtext(text)).toBe(encoded);
});
