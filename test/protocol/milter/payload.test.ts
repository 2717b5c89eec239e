import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseConnect,
  parseHeader,
  parseMacros,
  parsePath,
} from '../../../src/protocol/milter/payload.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('parseConnect', () => {
  test.each([
    [
      'an IPv4 client',
      'mx\x004\x10\x01192.0.2.1\0',
      { name: 'mx', addr: '192.0.2.1', port: '4097' },
    ],
    [
      'IPv6 from Postfix',
      'mx\x006\0\x192001:db8::1\0',
      { name: 'mx', addr: '2001:db8::1', port: '25' },
    ],
    [
      'IPv6 from Sendmail',
      'mx\x006\0\x19IPv6:2001:db8::1\0',
      { name: 'mx', addr: '2001:db8::1', port: '25' },
    ],
    ['a Unix socket', 'localhost\0L\0\0/run/x\0', { name: 'localhost', addr: '/run/x' }],
    ['an unknown client', 'unknown\0U', { name: 'unknown' }],
  ])('reads %s', (_, data, client) => {
    expect(parseConnect(latin1(data))).toEqual(client);
  });
});

describe('parsePath', () => {
  test.each([
    ['<a@b>\0', { address: 'a@b', parameters: [] }],
    // Postfix for what did not come by smtpd.
    ['a@b\0', { address: 'a@b', parameters: [] }],
    ['\0', { address: '', parameters: [] }],
    ['<>\0', { address: '', parameters: [] }],
    ['<"a b"@c>\0', { address: '"a b"@c', parameters: [] }],
    [
      '<a@b>\0SMTPUTF8\0ENVID=x=y\0',
      { address: 'a@b', parameters: [{ keyword: 'SMTPUTF8' }, { keyword: 'ENVID', value: 'x=y' }] },
    ],
  ])('%j', (data, path) => {
    expect(parsePath(latin1(data))).toEqual(path);
  });

  test('reads UTF-8 (RFC 6531)', () => {
    expect(parsePath(Buffer.from('<ä@bücher.example>\0'))?.address).toBe('ä@bücher.example');
  });
});

describe('parseHeader', () => {
  test.each([
    ['a value with its blank', 'A\0 x\0', true, 'A: x\r\n'],
    ['a value without one', 'A\0x\0', true, 'A:x\r\n'],
    ['a tab', 'A\0\tx\0', true, 'A:\tx\r\n'],
    ['an empty value', 'A\0\0', true, 'A:\r\n'],
    ['a folded value', 'A\0 x\n y\n\tz\0', true, 'A: x\r\n y\r\n\tz\r\n'],
    ['a CR before a line end', 'A\0 x\r\n y\0', true, 'A: x\r\r\n y\r\n'],
    ['bytes that are no text', 'A\0 \xff\xfe\0', true, 'A: \xff\xfe\r\n'],
    ['a value whose blank is eaten', 'A\0x\n y\0', false, 'A: x\r\n y\r\n'],
  ])('rebuilds %s', (_, data, leadingSpace, line) => {
    expect(parseHeader(latin1(data), leadingSpace)?.line.toString('latin1')).toBe(line);
  });

  test('each LF of any value becomes CRLF, and nothing else changes', () => {
    const unit = fc.constantFrom('\n', '\n', '\r', ' ', 'x', '\xff');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (value) => {
        const line = parseHeader(latin1(`A\0${value}\0`), true)?.line.toString('latin1');
        expect(line).toBe(`A:${value.replaceAll('\n', '\r\n')}\r\n`);
      }),
    );
  });

  test('a value of nothing but LFs makes no Buffer of each', () => {
    const made = jest.spyOn(Buffer.prototype, 'subarray');
    const line = parseHeader(latin1(`A\0${'\n'.repeat(100_000)}\0`), true)?.line;
    expect(line?.equals(latin1(`A:${'\r\n'.repeat(100_001)}`))).toBe(true);
    expect(made.mock.calls.length).toBeLessThan(10);
    made.mockRestore();
  });
});

test('what stands behind a NUL in a field is not passed over', () => {
  expect(parseHeader(latin1('A\0 x\0y\0'), true)).toBeUndefined();
  expect(parseHeader(latin1('A\0 x\0\0'), true)).toBeUndefined();
});

test('a frame of nothing but NULs does not become millions of strings', () => {
  const macros = (count: number): Buffer => latin1(`C${'a\0b\0'.repeat(count)}`);
  expect(parseMacros(macros(500))?.values).toHaveLength(500);
  expect(parseMacros(macros(501))).toBeUndefined();
  expect(parsePath(Buffer.alloc(1000))?.parameters).toHaveLength(999);
  expect(parsePath(Buffer.alloc(1001))).toBeUndefined();
});

test('macros come with and without braces', () => {
  expect(parseMacros(latin1('Ci\x004F1\0{j}\0mx\0{daemon_name}\0\0'))).toEqual({
    letter: 'C',
    values: [
      ['i', '4F1'],
      ['j', 'mx'],
      ['daemon_name', ''],
    ],
  });
});
