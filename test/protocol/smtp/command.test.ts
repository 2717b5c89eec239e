import { expect, test } from '@jest/globals';
import { parseCommand } from '../../../src/protocol/smtp/command.ts';

test.each([
  ['QUIT', 'QUIT', ''],
  ['quit', 'QUIT', ''],
  ['NOOP  \t ', 'NOOP', ''],
  ['mail FROM:<a@b> SIZE=1  ', 'MAIL', 'FROM:<a@b> SIZE=1'],
  ['NOOP  two spaces', 'NOOP', ' two spaces'],
  ['MAIL FROM:<"a\tb"@c>', 'MAIL', 'FROM:<"a\tb"@c>'],
  ['RCPT TO:<grün@example.org>', 'RCPT', 'TO:<grün@example.org>'],
])('%j', (line, verb, argument) => {
  expect(parseCommand(Buffer.from(line))).toEqual({ verb, argument });
});

test.each([
  ['NUL', 'NOOP \0'],
  ['a bare CR', 'NOOP a\rb'],
  ['DEL', 'NOOP \x7f'],
  ['8-bit that is not UTF-8', 'NOOP \xe9'],
  ['an empty line', ''],
  ['a space first', ' NOOP'],
  ['a verb that is no word', 'MAIL:'],
])('refuses %s', (_, line) => {
  expect(parseCommand(Buffer.from(line, 'latin1'))).toBeUndefined();
});
