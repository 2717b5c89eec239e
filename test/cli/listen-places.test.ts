/** Where listeners of systemd are, by what systemctl says. */
import { describe, expect, test } from '@jest/globals';
import { CliFailure } from '../../src/cli/failure.ts';
import { listenPlaces, placedConfig } from '../../src/cli/listen-places.ts';
import type { Config } from '../../src/daemon/config.ts';
import type { RunProgram } from '../../src/run-program.ts';
import { configWith } from '../support/doctor-facts.ts';

const files = `clamgate.socket          enabled  enabled
dbus.socket              static   -
foo@.socket              disabled enabled
`;
const shown = `Id=dbus.socket
FileDescriptorName=smtp
Triggers=dbus.service
Listen=/run/dbus/system_bus_socket (Stream)

Id=clamgate.socket
FileDescriptorName=smtp
Triggers=clamgate.service
Listen=127.0.0.1:10024 (Stream)
Listen=127.0.0.1:10026 (Stream)

Id=wide.socket
FileDescriptorName=wide
Triggers=other.service
Listen=[::]:10030 (Stream)

Id=path.socket
FileDescriptorName=path
Triggers=clamgate.service
Listen=/run/clamgate/filter.sock (Stream)

Id=log.socket
FileDescriptorName=log
Triggers=other.service
Listen=/run/log (Datagram)
`;

/** @param asked gets each command. */
function systemd(asked: string[] = []): RunProgram {
  return (program, args) => {
    const command = [program, ...args].join(' ');
    asked.push(command);
    const out = command.includes('list-unit-files') ? files : shown;
    return Promise.resolve({ code: 0, out, err: '' });
  };
}
const none: RunProgram = () =>
  Promise.resolve({ code: 1, out: '', err: 'System has not been booted with systemd\n' });

function at(address: string): Config {
  const config = configWith();
  return { ...config, listeners: config.listeners.map((one) => ({ ...one, address })) };
}

describe('a listener of systemd', () => {
  test.each([
    ['systemd:smtp', '127.0.0.1:10024'],
    ['systemd:wide', '127.0.0.1:10030'],
    ['systemd:path', 'unix:/run/clamgate/filter.sock'],
  ])('%s is at %s', async (address, expected) => {
    const placed = await placedConfig(at(address), systemd());
    expect(placed.listeners.map((one) => one.address)).toEqual([expected]);
  });

  test.each([
    [
      'of no unit',
      'systemd:nowhere',
      systemd(),
      'no .socket unit here has FileDescriptorName=nowhere',
    ],
    ['of a unit without streams', 'systemd:log', systemd(), 'FileDescriptorName=log'],
    ['where there is no systemd', 'systemd:smtp', none, 'System has not been booted with systemd'],
  ])('%s: it is said what to do', async (_, address, run, why) => {
    const { config, unplaced } = await listenPlaces(at(address), run);
    expect(unplaced).toEqual([{ address, why: expect.stringContaining(why) }]);
    expect(unplaced[0]?.why).toMatch(/write the address/);
    expect(config.listeners[0]?.address).toBe(address);
    await expect(placedConfig(at(address), run)).rejects.toThrow(CliFailure);
  });

  test('a template is not asked for, for systemd would refuse it', async () => {
    const asked: string[] = [];
    await listenPlaces(at('systemd:smtp'), systemd(asked));
    expect(asked.at(-1)).toMatch(/ -- clamgate\.socket dbus\.socket$/);
  });
});

test('without one systemd is not asked', async () => {
  const asked: string[] = [];
  const config = at('127.0.0.1:10024');
  expect(await placedConfig(config, systemd(asked))).toBe(config);
  expect(asked).toEqual([]);
});
