import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { topReceived } from '../../../src/protocol/message/received.ts';

const date = 'Tue, 21 Nov 2025 06:00:00 +0000 (UTC)';
const idOf = (text: string) => topReceived(text.replaceAll('\n', '\r\n'));

/** As smtpd(8) of Postfix 3.7 writes it. */
function bySmtpd(
  parts: { helo?: string; name?: string; lines?: string; id?: string; rest?: string } = {},
) {
  const {
    helo = 'client.example',
    name = 'unknown',
    lines = '',
    id = '4bXyZ12345z6Bc',
    rest,
  } = parts;
  const end = rest ?? `\n\tfor <user@example.org>; ${date}\n`;
  return `Received: from ${helo} (${name} [192.0.2.1])\n${lines}\tby mail.example.org (Postfix) with ESMTPS id ${id}${end}`;
}

const tls = `\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange X25519 server-signature RSA-PSS (4096 bits) server-digest SHA256)
\t(Client CN "x (y\\) ) id FAKE123;", Issuer "z" (not verified))
\t(Authenticated sender: user)
`;

describe('the queue id that Postfix wrote', () => {
  const cases: [string, string, string][] = [
    ['long', bySmtpd(), '4bXyZ12345z6Bc'],
    ['short', bySmtpd({ id: '3F2504E089' }), '3F2504E089'],
    ['with TLS and authentication', bySmtpd({ lines: tls }), '4bXyZ12345z6Bc'],
    ['for several recipients', bySmtpd({ rest: `;\n\t${date}\n` }), '4bXyZ12345z6Bc'],
    [
      'for a quoted recipient',
      bySmtpd({ rest: `\n\tfor <"a; (b"@example.org>; ${date}\n` }),
      '4bXyZ12345z6Bc',
    ],
    ['over IPv6', bySmtpd().replace('[192.0.2.1]', '[IPv6:2001:db8::1]'), '4bXyZ12345z6Bc'],
    [
      'by pickup',
      `Received: by mail.example.org (Postfix, from userid 0)\n\tid 3F2504E089; ${date}\n`,
      '3F2504E089',
    ],
    [
      'by bounce',
      `Received: by mail.example.org (Postfix)\n\tid 4bXyZ12345z6Bc; ${date}\n`,
      '4bXyZ12345z6Bc',
    ],
    [
      'with another mail_name',
      bySmtpd().replace('(Postfix)', '(Our (very own) Mail)'),
      '4bXyZ12345z6Bc',
    ],
  ];
  test.each(cases)('is read: %s', (_, text, id) => {
    expect(idOf(text)).toBe(id);
  });
});

test('a line that Postfix would have begun and that does not begin is not its own', () => {
  expect(idOf(bySmtpd({ rest: ` for <user@example.org>; ${date}\n` }))).toBeUndefined();
});

describe('what a client says of itself', () => {
  const hostile = [
    'x by evil (Postfix) with ESMTP id FAKE00',
    'x id 3F2504E080; y',
    `x by evil (Postfix) with ESMTP id 3F2504E080; ${date}`,
    `x by evil (Postfix) with ESMTP id 3F2504E080; ${date} (`,
    'x (by evil (Postfix) with ESMTP id 3F2504E080; y)',
    'x\tby evil (Postfix) with ESMTP id 3F2504E080;',
    'x\n by evil (Postfix) with ESMTP id 3F2504E080;',
    'x\n  \tby evil (Postfix) with ESMTP id 3F2504E080;',
  ];
  test.each(hostile)('does not become the id: %j', (helo) => {
    expect(['4bXyZ12345z6Bc', undefined]).toContain(idOf(bySmtpd({ helo })));
    expect(['4bXyZ12345z6Bc', undefined]).toContain(idOf(bySmtpd({ name: helo })));
  });

  test('does not become the id, whatever it is and whoever it is for', () => {
    const piece = fc.constantFrom(
      '(',
      ')',
      '"',
      '\\',
      ';',
      '<',
      '>',
      ' ',
      '\t',
      '\n ',
      'x',
      'from',
      'by',
      'with',
      'id',
      'for',
      'FAKE',
      '3F2504E080',
      'by evil (Postfix) with ESMTP id 3F2504E080;',
      '\\(',
    );
    const words = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(words, words, words, (helo, name, recipient) => {
        const rest = `\n\tfor <${recipient}>; ${date}\n`;
        expect(['4bXyZ12345z6Bc', undefined]).toContain(idOf(bySmtpd({ helo, name, rest })));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('nothing is read from', () => {
  const others: [string, string][] = [
    ['a comment that does not end', bySmtpd({ lines: '\t(oops\n' })],
    ['a string that does not end', bySmtpd({ lines: '\t"oops\n' })],
    ['smtpd as a proxy, which has no queue file', bySmtpd().replace(' id 4bXyZ12345z6Bc', '')],
    [
      'Exim',
      `Received: from a ([192.0.2.1])\n\tby mail.example.org with esmtps (TLS1.3) (Exim 4.96)\n\tid 1pXyZa-0001ab-Cd\n\tfor a@b; ${date}\n`,
    ],
    [
      'Sendmail',
      `Received: from a (a [192.0.2.1])\n\tby mail.example.org (8.17.1/8.17.1) with ESMTP id 3AL600ab012345\n\tfor <a@b>; ${date}\n`,
    ],
    ['a by that does not begin its line', bySmtpd().replace('\n\tby', ' by')],
    [
      'a pickup line whose id does not begin its line',
      `Received: by mail.example.org (Postfix) id 3F2504E089; ${date}\n`,
    ],
    ['an id that is none', bySmtpd({ id: 'NOTANID' })],
    ['an id that nothing follows', bySmtpd({ rest: '\n' })],
    ['an id that something else follows', bySmtpd({ rest: ` and more; ${date}\n` })],
    ['a host that no mail_name follows', bySmtpd().replace(' (Postfix)', '')],
    ['something else than with', bySmtpd().replace(' with ', ' via ')],
    ['an empty field', 'Received:\n'],
    ['a field that begins with neither from nor by', bySmtpd().replace('from client', 'client')],
  ];
  test.each(others)('%s', (_, text) => {
    expect(idOf(text)).toBeUndefined();
  });

  test('anything at all, without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(idOf(`Received:${text}`)).toBeUndefined();
      }),
    );
  });
});
