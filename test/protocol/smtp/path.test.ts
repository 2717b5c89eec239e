import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EsmtpParameter, Path } from '../../../src/envelope.ts';
import {
  needsSmtputf8,
  parseMailArgument,
  parseRcptArgument,
} from '../../../src/protocol/smtp/path.ts';
import type { Reply } from '../../../src/protocol/smtp/reply.ts';

const codeOf = (parsed: Path | Reply): string =>
  'code' in parsed ? `${parsed.code} ${parsed.enhanced ?? ''}` : 'accepted';

describe('addresses', () => {
  test.each([
    ['<a@example.org>', 'a@example.org'],
    [' <a@example.org>', 'a@example.org'],
    ['<a.b+c=d@my_host.example>', 'a.b+c=d@my_host.example'],
    ['<"a b"@example.org>', '"a b"@example.org'],
    ['<"a>b"@example.org>', '"a>b"@example.org'],
    ['<"a\\"b\\\\"@example.org>', '"a\\"b\\\\"@example.org'],
    ['<"a@b"@example.org>', '"a@b"@example.org'],
    ['<""@example.org>', '""@example.org'],
    ['<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
    ['<a@[IPv6:2001:db8::1]>', 'a@[IPv6:2001:db8::1]'],
    ['<@one.example,@two.example:a@example.org>', 'a@example.org'],
    ['<grün@münchen.example>', 'grün@münchen.example'],
  ])('%s', (text, address) => {
    expect(parseMailArgument(`FROM:${text}`)).toEqual({ address, parameters: [] });
    expect(parseRcptArgument(`to:${text}`)).toEqual({ address, parameters: [] });
  });

  test.each([
    'a@example.org',
    '<a@example.org',
    'a@example.org>',
    '<a@>',
    '<@example.org>',
    '<a>',
    '<a b@example.org>',
    '<.a@example.org>',
    '<a..b@example.org>',
    '<a@example..org>',
    '<a@exam ple.org>',
    '<a@[]>',
    '<a@[1]x>',
    '<"a@example.org>',
    '<"a\\"@example.org>',
    '<@one.example:>',
    '<@one.example a@example.org>',
    '  <a@example.org>',
    '<<a@example.org>>',
    '',
  ])('refuses %j', (text) => {
    expect(codeOf(parseMailArgument(`FROM:${text}`))).toBe('501 5.1.7');
    expect(codeOf(parseRcptArgument(`TO:${text}`))).toBe('501 5.1.3');
  });

  test('the null reverse-path is a sender and no recipient', () => {
    expect(parseMailArgument('FROM:<>')).toEqual({ address: '', parameters: [] });
    expect(codeOf(parseRcptArgument('TO:<>'))).toBe('501 5.1.3');
  });

  test('postmaster needs no domain, as a recipient', () => {
    expect(parseRcptArgument('TO:<Postmaster>')).toEqual({ address: 'Postmaster', parameters: [] });
    expect(codeOf(parseMailArgument('FROM:<postmaster>'))).toBe('501 5.1.7');
  });

  test.each(['<a@b>', 'TO:<a@b>', 'FROM', 'FROM <a@b>', ''])('MAIL %s', (argument) => {
    expect(codeOf(parseMailArgument(argument))).toBe('501 5.5.4');
  });
});

describe('parameters', () => {
  const mail = (parameters: string) => parseMailArgument(`FROM:<a@b>${parameters}`);
  const rcpt = (parameters: string) => parseRcptArgument(`TO:<a@b>${parameters}`);

  test('are kept as they were sent', () => {
    const parameters: EsmtpParameter[] = [
      { keyword: 'size', value: '0123' },
      { keyword: 'BODY', value: '8bitmime' },
      { keyword: 'SMTPUTF8' },
      { keyword: 'RET', value: 'hdrs' },
      { keyword: 'ENVID', value: 'a+2Bb' },
      { keyword: 'AUTH', value: '<>' },
    ];
    const text = parameters.map(print).join('');
    expect(mail(text)).toEqual({ address: 'a@b', parameters });
    expect(mail(text.replaceAll(' ', '  '))).toEqual({ address: 'a@b', parameters });
  });

  test.each([
    'NOTIFY=NEVER',
    'NOTIFY=success,FAILURE,DELAY',
    'ORCPT=rfc822;bob+2Bx@example.org',
    'ORCPT=utf-8;grün@example.org',
    'ORCPT=utf-8;gr\\x{FC}n@example.org',
  ])('RCPT %s', (text) => {
    const [keyword = '', value = ''] = text.split(/=(.*)/);
    expect(rcpt(` ${text}`)).toEqual({ address: 'a@b', parameters: [{ keyword, value }] });
  });

  test.each([
    ['SIZE=1x', '501 5.5.4'],
    ['SIZE=-1', '501 5.5.4'],
    ['SIZE=', '501 5.5.4'],
    ['SIZE', '501 5.5.4'],
    [`SIZE=${'1'.repeat(21)}`, '501 5.5.4'],
    ['SIZE=1 size=1', '501 5.5.4'],
    ['BODY=BINARYMIME', '501 5.5.4'],
    ['SMTPUTF8=1', '501 5.5.4'],
    ['RET=ALL', '501 5.5.4'],
    ['ENVID=a+b', '501 5.5.4'],
    ['ENVID=a=b', '501 5.5.4'],
    ['ENVID=ü', '501 5.5.4'],
    ['AUTH=+', '501 5.5.4'],
    ['=1', '501 5.5.4'],
    ['NOTIFY=NEVER', '555 5.5.4'],
    ['ORCPT=rfc822;a', '555 5.5.4'],
    ['REQUIRETLS', '555 5.5.4'],
    ['X-UNKNOWN=1', '555 5.5.4'],
  ])('MAIL %s → %s', (text, code) => {
    expect(codeOf(mail(` ${text}`))).toBe(code);
  });

  test.each([
    ['NOTIFY=NEVER,DELAY', '501 5.5.4'],
    ['NOTIFY=DELAY,', '501 5.5.4'],
    ['NOTIFY=DELAY NOTIFY=DELAY', '501 5.5.4'],
    ['ORCPT=a@example.org', '501 5.5.4'],
    ['ORCPT=rfc822;', '501 5.5.4'],
    ['ORCPT=rfc822;a+b', '501 5.5.4'],
    ['ORCPT=rfc822;grün@example.org', '501 5.5.4'],
    ['SIZE=1', '555 5.5.4'],
  ])('RCPT %s → %s', (text, code) => {
    expect(codeOf(rcpt(` ${text}`))).toBe(code);
  });

  test('need a space before them', () => {
    expect(codeOf(mail('SIZE=1'))).toBe('501 5.5.4');
  });
});

test.each([
  [{ address: 'a@b', parameters: [{ keyword: 'ENVID', value: 'x' }] }, false],
  [{ address: 'ü@b', parameters: [] }, true],
  [{ address: 'a@b', parameters: [{ keyword: 'ORCPT', value: 'utf-8;ü' }] }, true],
])('needsSmtputf8 %j', (path, needs) => {
  expect(needsSmtputf8(path)).toBe(needs);
});

function print({ keyword, value }: EsmtpParameter): string {
  return value === undefined ? ` ${keyword}` : ` ${keyword}=${value}`;
}

const atom = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ü-]{1,10}$/);
const dotString = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join('.'));
const quotedString = fc
  .string({ unit: 'grapheme-ascii', maxLength: 12 })
  .map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`);
const label = fc.stringMatching(/^[a-z0-9ü_-]{1,10}$/);
const domain = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
  fc
    .oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `IPv6:${ip}`),
    )
    .map((literal) => `[${literal}]`),
);
const address = fc.tuple(fc.oneof(dotString, quotedString), domain).map((parts) => parts.join('@'));
const xtext = fc.stringMatching(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,20}$/);
const parameters = fc.subarray(
  [fc.constant<EsmtpParameter>({ keyword: 'SMTPUTF8' })].concat(
    fc.nat().map((size) => ({ keyword: 'Size', value: String(size) })),
    xtext.map((value) => ({ keyword: 'ENVID', value })),
    xtext.map((value) => ({ keyword: 'AUTH', value })),
  ),
);

test('parse ∘ print is the identity', () => {
  const paths = fc.record({
    address,
    parameters: parameters.chain((chosen) => fc.tuple(...chosen)),
  });
  fc.assert(
    fc.property(paths, (path) => {
      const text = `FROM:<${path.address}>${path.parameters.map(print).join('')}`;
      expect(parseMailArgument(text)).toEqual(path);
    }),
  );
});

test('any argument gets a path or a 5xx', () => {
  const pieces = fc.constantFrom(
    'FROM:',
    'TO:',
    '<',
    '>',
    '@',
    '"',
    '\\',
    ':',
    ' ',
    'a',
    '.',
    '[',
    ']',
    '=',
    ';',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), (words) => {
      const text = words.join('');
      for (const parsed of [parseMailArgument(text), parseRcptArgument(text)]) {
        expect(codeOf(parsed)).toMatch(/^(?:accepted|5\d\d 5\.\d\.\d)$/);
      }
    }),
  );
});
