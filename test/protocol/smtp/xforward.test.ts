import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Client, clientAttributes } from '../../../src/envelope.ts';
import { encodeXforward, parseXforward } from '../../../src/protocol/smtp/xforward.ts';

describe('parseXforward', () => {
  test.each<[string, Client]>([
    [
      'NAME=mail.example.org ADDR=192.0.2.1 PORT=25 PROTO=ESMTP HELO=x IDENT=4F1 SOURCE=REMOTE',
      {
        name: 'mail.example.org',
        addr: '192.0.2.1',
        port: '25',
        proto: 'ESMTP',
        helo: 'x',
        ident: '4F1',
        source: 'REMOTE',
      },
    ],
    ['source=LOCAL  Name=[UNAVAILABLE]', { source: 'LOCAL', name: '[UNAVAILABLE]' }],
    ['ADDR=IPV6:2001:db8::1', { addr: 'IPV6:2001:db8::1' }],
    ['HELO=a+20b+2Bc', { helo: 'a b+c' }],
    ['HELO=a=b', { helo: 'a=b' }],
    ['HELO=', { helo: '' }],
    [`HELO=${'x'.repeat(255)}`, { helo: 'x'.repeat(255) }],
  ])('%s', (argument, client) => {
    expect(parseXforward(argument)).toEqual(client);
  });

  test.each([
    '',
    'NAME',
    'NAME=a ADDR',
    '=a',
    'LOGIN=a',
    'NAME=a+2',
    'NAME=a+2x',
    `HELO=${'x'.repeat(256)}`,
  ])('refuses %j', (argument) => {
    expect(parseXforward(argument)).toMatchObject({ code: 501, enhanced: '5.5.4' });
  });
});

const client: Client = {
  name: 'mail.example.org',
  addr: '192.0.2.1',
  port: '25',
  proto: 'ESMTP',
  helo: 'a b',
  ident: '4F1',
  source: 'REMOTE',
};

describe('encodeXforward', () => {
  test('sends what Postfix sends, in its two commands', () => {
    expect(encodeXforward(client, clientAttributes)).toEqual([
      'XFORWARD NAME=mail.example.org ADDR=192.0.2.1 PORT=25',
      'XFORWARD PROTO=ESMTP HELO=a+20b IDENT=4F1 SOURCE=REMOTE',
    ]);
  });

  test.each<[string, Client, string[], string[]]>([
    ['only what is offered', client, ['Port', 'IDENT'], ['XFORWARD PORT=25', 'XFORWARD IDENT=4F1']],
    ['only what is known', { ident: '4F1' }, [...clientAttributes], ['XFORWARD IDENT=4F1']],
    ['nothing offered', client, [], []],
    ['nothing known', {}, [...clientAttributes], []],
    [
      'a value too long once encoded',
      { name: ' '.repeat(86), addr: '192.0.2.1' },
      [...clientAttributes],
      ['XFORWARD ADDR=192.0.2.1'],
    ],
  ])('%s', (_, from, offered, lines) => {
    expect(encodeXforward(from, offered)).toEqual(lines);
  });

  test('every line is short enough, and parsing them all gives the client back', () => {
    const value = fc.string({ unit: 'binary', maxLength: 28 }); // 28 code points are 252 characters
    const clients = fc.record(
      Object.fromEntries(clientAttributes.map((name) => [name, fc.oneof(value, long())])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(clients, (known) => {
        const lines = encodeXforward(known, clientAttributes);
        for (const line of lines) expect(line.length + 2).toBeLessThanOrEqual(512);
        const parsed = lines.map((line) => parseXforward(line.slice('XFORWARD '.length)));
        expect(Object.assign({}, ...parsed)).toEqual(known);
      }),
    );
  });
});

function long(): fc.Arbitrary<string> {
  return fc.integer({ min: 200, max: 255 }).map((length) => 'x'.repeat(length));
}
