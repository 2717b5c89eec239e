import { describe, expect, test } from '@jest/globals';
import { encodeModification, encodeVerdict } from '../../../src/protocol/milter/responses.ts';
import { type Reply, reply } from '../../../src/protocol/smtp/reply.ts';

const after = (bytes: Buffer): string => {
  expect(bytes.readUInt32BE()).toBe(bytes.length - 4);
  return bytes.toString('latin1', 4);
};

describe('encodeVerdict', () => {
  test.each([
    ['continue', 'c'],
    ['accept', 'a'],
    ['discard', 'd'],
    ['tempfail', 't'],
    ['reject', 'r'],
  ] as const)('%s is a letter without data', (kind, letter) => {
    expect(after(encodeVerdict({ kind }))).toBe(letter);
  });

  test.each<[string, Reply, string]>([
    ['one line', reply(550, '5.7.1', 'No'), 'y550 5.7.1 No\0'],
    [
      'several lines, the codes on each',
      { code: 451, enhanced: '4.7.1', lines: ['Not', 'now'] },
      'y451-4.7.1 Not\r\n451 4.7.1 now\0',
    ],
    ['%, which is a format to Sendmail', reply(550, '5.7.1', '100% %s'), 'y550 5.7.1 100%% %%s\0'],
    ['what would end it early', reply(550, '5.7.1', 'a\0b\r\nc\xfc'), 'y550 5.7.1 a?b??c?\0'],
    [
      'a line that Sendmail would cut',
      reply(550, '5.7.1', 'x'.repeat(2000)),
      `y550 5.7.1 ${'x'.repeat(970)}\0`,
    ],
  ])('a reply: %s', (_, said, expected) => {
    expect(after(encodeVerdict({ kind: 'reply', reply: said }))).toBe(expected);
  });

  test.each([
    reply(250, '2.0.0', 'Ok'),
    reply(354, '3.0.0', 'Go on'),
    reply(550, undefined, 'No'),
    reply(451, '5.7.1', 'No'),
  ])('a reply that no filter may give is a fault: %j', (said) => {
    expect(() => encodeVerdict({ kind: 'reply', reply: said })).toThrow(/code/);
  });
});

describe('encodeModification', () => {
  test('a reason stays one line', () => {
    const bytes = encodeModification({ kind: 'quarantine', reason: 'a\r\nb\0c' }, true);
    expect(after(bytes)).toBe('qa??b?c\0');
  });

  test.each([
    ['a b', 'x'],
    ['a:', 'x'],
    ['a', 'x\r\n'],
    ['a', 'x\0'],
    ['a', ''],
  ])('a field that would be more than one is a fault: %j %j', (name, value) => {
    expect(() => encodeModification({ kind: 'add-header', name, value }, true)).toThrow('one line');
  });
});
