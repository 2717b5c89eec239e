import { expect, test } from '@jest/globals';
import { parseSocketAddress } from '../src/socket-address.ts';

test.each([
  { text: '127.0.0.1:10025', address: { host: '127.0.0.1', port: 10025 } },
  { text: '[::1]:10025', address: { host: '::1', port: 10025 } },
  { text: 'host.example:25', address: { host: 'host.example', port: 25 } },
  { text: 'h:1', address: { host: 'h', port: 1 } },
  { text: 'h:65535', address: { host: 'h', port: 65535 } },
  { text: 'unix:/run/next', address: { path: '/run/next' } },
  { text: `unix:/${'x'.repeat(106)}`, address: { path: `/${'x'.repeat(106)}` } },
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
])('$text', ({ text, address, error }) => {
  const parsed = parseSocketAddress(text);
  if (address) expect(parsed).toEqual({ ok: true, address });
  else expect(parsed.ok ? '' : parsed.problem).toMatch(error);
});
