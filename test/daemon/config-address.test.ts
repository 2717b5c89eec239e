import { describe, expect, test } from '@jest/globals';
import {
  addressList,
  isListed,
  isLoopback,
  parseLocalAddress,
} from '../../src/daemon/config-address.ts';

describe('socket addresses', () => {
  test.each([
    ['127.0.0.1:80', true],
    ['127.9.9.9:80', true],
    ['localhost:80', true],
    ['[::1]:80', true],
    ['unix:/run/x', true],
    ['0.0.0.0:80', false],
    ['[::]:80', false],
    ['192.0.2.1:80', false],
    ['example.org:80', false],
    ['127.example.org:80', false],
  ])('%s is of this machine alone: %s', (text, local) => {
    expect(parseLocalAddress(text) !== undefined).toBe(local);
  });

  test('an IPv4 loopback address written as IPv6 is one', () => {
    expect(isLoopback('::ffff:127.0.0.1')).toBe(true);
    expect(isLoopback('::ffff:192.0.2.1')).toBe(false);
  });
});

describe('address lists', () => {
  const list = addressList(['127.0.0.0/8', '::1', '10.1.2.3', '2001:db8::/32']);

  test.each<[string | undefined, boolean]>([
    ['127.0.0.1', true],
    ['127.255.0.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.1.2.3', true],
    ['10.1.2.4', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    ['nonsense', false],
    [undefined, true],
  ])('%s is listed: %s', (peer, listed) => {
    expect(list && isListed(list, peer)).toBe(listed);
  });

  test.each(['', 'host', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0/8', '1.2.3.4/x'])(
    'not an entry: %j',
    (entry) => {
      expect(addressList(['::1', entry])).toBeUndefined();
    },
  );
});
