import { expect, test } from '@jest/globals';
import { systemdEnvironment } from '../../src/daemon/systemd-environment.ts';

const us = { pid: 42, ppid: 7 };
const two = { LISTEN_PID: '42', LISTEN_FDS: '2' };

test.each([
  ['nothing', {}, { handed: [] }],
  ['a socket to be told at', { NOTIFY_SOCKET: '/n' }, { notifySocket: '/n', handed: [] }],
  ['an empty one', { NOTIFY_SOCKET: '' }, { handed: [] }],
  ['a watchdog', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }, { watchdogMs: 60_000 }],
  ['a watchdog for anyone', { WATCHDOG_USEC: '1500' }, { watchdogMs: 1.5 }],
  ["another's watchdog", { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '43' }, { handed: [] }],
  ['no time at all', { WATCHDOG_USEC: '0' }, { handed: [] }],
  ['nonsense', { WATCHDOG_USEC: 'soon' }, { handed: [] }],
])('watching: %s', (_, env, expected) => {
  expect(systemdEnvironment(env, us)).toEqual({ handed: [], ...expected });
});

test.each([
  ['names', { ...two, LISTEN_FDNAMES: 'smtp:lmtp' }, ['3 smtp', '4 lmtp']],
  ['one name for both', { ...two, LISTEN_FDNAMES: 'smtp:smtp' }, ['3 smtp', '4 smtp']],
  ['a name too few', { ...two, LISTEN_FDNAMES: 'smtp' }, ['3 smtp', '4 unknown']],
  ['no names', two, ['3 unknown', '4 unknown']],
  ['sockets of another process', { ...two, LISTEN_PID: '7' }, []],
  ['sockets of nobody', { LISTEN_FDS: '2' }, []],
  [
    'sockets of the Node.js that started us',
    { ...two, LISTEN_PID: '7', CLAMGATE_REEXECUTED: '1' },
    ['3 unknown', '4 unknown'],
  ],
  ['no number', { ...two, LISTEN_FDS: 'x' }, []],
  ['none', { ...two, LISTEN_FDS: '0' }, []],
  ['more than systemd holds', { ...two, LISTEN_FDS: '1000000000' }, []],
])('sockets: %s', (_, env, expected) => {
  const { handed } = systemdEnvironment(env, us);
  expect(handed.map(({ fd, name }) => `${fd} ${name}`)).toEqual(expected);
});
