import { describe, expect, test } from '@jest/globals';
import type { Path } from '../../../src/envelope.ts';
import {
  lackingExtension,
  mailLine,
  noExtensions,
  parseExtensions,
  recipientLine,
} from '../../../src/protocol/smtp/client-extensions.ts';

function path(address: string, ...parameters: string[]): Path {
  return {
    address,
    parameters: parameters.map((text) => {
      const [keyword = '', value] = text.split(/=(.*)/s);
      return value === undefined ? { keyword } : { keyword, value };
    }),
  };
}

function announcing(...keywords: string[]) {
  return parseExtensions({ code: 250, lines: ['next.example', ...keywords] });
}

describe('parseExtensions', () => {
  test('keeps keywords in upper case with their parameters, and not the greeting', () => {
    const extensions = announcing(
      'pipelining',
      'SIZE 10',
      'AUTH=PLAIN LOGIN',
      'XFORWARD NAME ADDR',
    );
    expect([...extensions]).toEqual([
      ['PIPELINING', []],
      ['SIZE', ['10']],
      ['AUTH', ['PLAIN', 'LOGIN']],
      ['XFORWARD', ['NAME', 'ADDR']],
    ]);
  });

  test.each(['', '-DSN', 'DSN_', ' DSN'])('ignores the line %j, which is no keyword', (line) => {
    expect([...announcing(line, 'DSN')]).toEqual([['DSN', []]]);
  });
});

describe('mailLine', () => {
  test.each([
    { parameter: 'SIZE=1000', extension: 'SIZE 5000' },
    { parameter: 'BODY=7BIT', extension: '8BITMIME' },
    { parameter: 'BODY=8BITMIME', extension: '8BITMIME' },
    { parameter: 'SMTPUTF8', extension: 'SMTPUTF8' },
    { parameter: 'RET=HDRS', extension: 'DSN' },
    { parameter: 'envid=QQ+3D314159', extension: 'DSN' },
    { parameter: 'AUTH=<>', extension: 'AUTH PLAIN' },
    { parameter: 'MT-PRIORITY=3', extension: 'MT-PRIORITY' },
  ])('passes $parameter on only where $extension is announced', ({ parameter, extension }) => {
    const sender = path('a@example.org', parameter);
    const plain = 'MAIL FROM:<a@example.org>';
    expect(mailLine(sender, announcing(extension))).toBe(`${plain} ${parameter}`);
    expect(mailLine(sender, announcing('PIPELINING'))).toBe(plain);
  });

  test('keeps the order, drops what is not announced, and writes the null reverse-path', () => {
    const sender = path('', 'SIZE=1', 'AUTH=<>', 'ENVID=x', 'BODY=7BIT');
    expect(mailLine(sender, announcing('DSN', 'SIZE', '8BITMIME'))).toBe(
      'MAIL FROM:<> SIZE=1 ENVID=x BODY=7BIT',
    );
  });
});

test.each(['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;b+40example.org'])(
  'recipientLine passes %s on only where DSN is announced',
  (parameter) => {
    const recipient = path('b@example.org', parameter);
    const plain = 'RCPT TO:<b@example.org>';
    expect(recipientLine(recipient, announcing('DSN'))).toBe(`${plain} ${parameter}`);
    expect(recipientLine(recipient, noExtensions)).toBe(plain);
  },
);

test.each([
  { asks: ['SMTPUTF8'], offered: ['SMTPUTF8'], lacking: undefined },
  { asks: ['smtputf8'], offered: ['8BITMIME'], lacking: 'SMTPUTF8' },
  { asks: ['BODY=8BITMIME'], offered: ['8BITMIME'], lacking: undefined },
  { asks: ['body=8bitmime'], offered: ['SMTPUTF8'], lacking: '8BITMIME' },
  { asks: ['BODY=8BITMIME', 'SMTPUTF8'], offered: [], lacking: 'SMTPUTF8' },
  { asks: ['BODY=7BIT', 'SIZE=1', 'RET=FULL', 'AUTH=<>'], offered: [], lacking: undefined },
])('a message that asks $asks of one that offers $offered lacks $lacking', (row) => {
  const sender = path('a@example.org', ...row.asks);
  expect(lackingExtension(sender, announcing(...row.offered))).toBe(row.lacking);
});
