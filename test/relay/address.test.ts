import { describe, expect, test } from '@jest/globals';
import { parseNextHopAddress } from '../../src/relay/address.ts';

describe('parseNextHopAddress', () => {
  test.each([
    { text: '127.0.0.1:10025', connect: { host: '127.0.0.1', port: 10025 } },
    { text: '[::1]:10025', connect: { host: '::1', port: 10025 } },
    { text: 'host.example:25', connect: { host: 'host.example', port: 25 } },
    { text: 'h:1', connect: { host: 'h', port: 1 } },
    { text: 'h:65535', connect: { host: 'h', port: 65535 } },
    { text: 'unix:/run/next', connect: { path: '/run/next' } },
    { text: `unix:/${'x'.repeat(106)}`, connect: { path: `/${'x'.repeat(106)}` } },
    { text: `unix:/${'x'.repeat(107)}`, error: /longer than the 107 bytes/ },
    { text: `unix:/${'ü'.repeat(54)}`, error: /longer than the 107 bytes/ },
    { text: 'unix:run/next', error: /absolute path/ },
    { text: 'unix:', error: /absolute path/ },
    { text: 'unix:/a\0b', error: /NUL/ },
    { text: 'h:0', error: /1-65535/ },
    { text: 'h:65536', error: /1-65535/ },
    { text: 'h:100000', error: /host:port/ },
    { text: '[::1]', error: /host:port/ },
    { text: '[::g]:25', error: /IPv6/ },
    { text: '[127.0.0.1]:25', error: /IPv6/ },
    { text: '::1:25', error: /host:port/ },
    { text: 'h', error: /host:port/ },
    { text: ':25', error: /host:port/ },
    { text: '', error: /host:port/ },
    { text: 'inet:h:25', error: /host:port/ },
    { text: 'tcp://h:25', error: /host:port/ },
    { text: 'h:25 ', error: /host:port/ },
  ])('$text', ({ text, connect, error }) => {
    for (const [prefix, flavour] of [
      ['', 'smtp'],
      ['smtp:', 'smtp'],
      ['lmtp:', 'lmtp'],
    ]) {
      const parse = () => parseNextHopAddress(`${prefix}${text}`);
      if (connect) expect(parse()).toEqual({ flavour, connect });
      else expect(parse).toThrow(expect.objectContaining({ code: 'CONFIG' }));
      if (error) expect(parse).toThrow(error);
    }
  });

  test('takes what stands before the first colon for the flavour', () => {
    expect(() => parseNextHopAddress('lmtp:24')).toThrow(/"24" is not host:port/);
  });
});
