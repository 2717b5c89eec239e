import { expect, test } from '@jest/globals';
import { isListenAddress, SystemdSockets } from '../../src/daemon/systemd-sockets.ts';
import type { SocketAddress } from '../../src/socket-address.ts';

const addresses: Readonly<Record<number, SocketAddress>> = {
  3: { host: '127.0.0.1', port: 10024 },
  4: { host: '::1', port: 10024 },
  5: { path: '/run/l.sock' },
};
const smtp = [
  { fd: 3, name: 'smtp' },
  { fd: 4, name: 'smtp' },
];
const all = [...smtp, { fd: 5, name: 'lmtp' }, { fd: 6, name: 'odd' }];

function sockets(handed = all): SystemdSockets {
  return new SystemdSockets(handed, (fd) => addresses[fd]);
}

test.each([
  ['systemd:smtp', [3, 4]],
  ['systemd:lmtp', [5]],
  ['systemd:odd', [6]],
  ['127.0.0.1:10024', [3]],
  ['[::1]:10024', [4]],
  ['unix:/run/l.sock', [5]],
])('%s takes what was passed, and leaves the rest', (address, taken) => {
  const held = sockets();
  const places = held.take(address);
  expect(places).toEqual(taken.map((fd) => ({ listen: { fd }, address: addresses[fd] })));
  expect(held.unused).toHaveLength(all.length - taken.length);
});

test.each(['127.0.0.1:10025', '127.0.0.2:10024', 'unix:/run/l', 'localhost:10024'])(
  '%s was not passed and is opened anew',
  (address) => {
    const [place] = sockets().take(address);
    expect(place?.listen).toEqual(place?.address);
    expect(place?.listen).not.toHaveProperty('fd');
  },
);

test.each([
  [
    all,
    'systemd:nosuch',
    /no socket named "nosuch"; it passed "smtp" \(127.0.0.1:10024\), .*"smtp" \(\[::1\]:10024\), "lmtp" \(unix:\/run\/l.sock\), "odd" \(descriptor 6\)$/,
  ],
  [[], 'systemd:smtp', /it passed none: is a socket unit/],
])('an unknown name is an error that says what was passed', (handed, address, words) => {
  expect(() => sockets(handed).take(address)).toThrow(
    expect.objectContaining({ code: 'CONFIG', message: expect.stringMatching(words) }),
  );
});

test('what is taken is taken for good, by name and by address', () => {
  const held = sockets();
  held.take('systemd:smtp');
  expect(() => held.take('systemd:smtp')).toThrow(/in use, or was closed by a reload/);
  expect(held.take('127.0.0.1:10024')[0]?.listen).toEqual(addresses[3]);
  expect(held.unused).toEqual(['"lmtp" (unix:/run/l.sock)', '"odd" (descriptor 6)']);
});

test.each([
  ['systemd:smtp', true],
  ['127.0.0.1:25', true],
  ['unix:/a', true],
  ['systemd:', false],
  ['systemd:a:b', false],
  ['systemd:a b', false],
  ['systemd', false],
])('%s may be where a listener listens: %s', (address, may) => {
  expect(isListenAddress(address)).toBe(may);
});
