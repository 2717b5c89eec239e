/**
 * Where the listeners are that systemd opens for the daemon by name (`address = "systemd:NAME"`): its
 * .socket units tell. Postfix, and whoever tries a listener, has to connect to an address.
 */
import type { Config } from '../daemon/config.ts';
import { systemdName } from '../daemon/systemd-sockets.ts';
import { complaint, type RunProgram } from '../run-program.ts';
import { exitCodes } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

export interface Unplaced {
  /** As configured. */
  readonly address: string;
  /** Why nobody knows where that is, and what to do. */
  readonly why: string;
}

export interface Placed {
  /** With addresses in place of names, as far as they are known. */
  readonly config: Config;
  readonly unplaced: readonly Unplaced[];
}

interface SocketUnit {
  /** FileDescriptorName=. */
  readonly name: string;
  /** Of its streams, as a listener has them. */
  readonly addresses: readonly string[];
  readonly isOurs: boolean;
}

const ourService = 'clamgate.service';

/** Of several sockets with one name the first is told. Asks systemd only where there is a name. */
export async function listenPlaces(config: Config, run: RunProgram): Promise<Placed> {
  if (!config.listeners.some(({ address }) => systemdName(address) !== undefined)) {
    return { config, unplaced: [] };
  }
  const units = await socketUnits(run);
  const unplaced: Unplaced[] = [];
  const listeners = config.listeners.map((listener) => {
    const name = systemdName(listener.address);
    if (name === undefined) return listener;
    const address = typeof units === 'string' ? undefined : addressOf(units, name);
    if (address !== undefined) return { ...listener, address };
    unplaced.push({ address: listener.address, why: whyNot(name, units) });
    return listener;
  });
  return { config: { ...config, listeners }, unplaced };
}

/** @throws {CliFailure} when nobody knows where one of them is. */
export async function placedConfig(config: Config, run: RunProgram): Promise<Config> {
  const { config: placed, unplaced } = await listenPlaces(config, run);
  const [first] = unplaced;
  if (first) throw new CliFailure(exitCodes.config, `${first.address}: ${first.why}`);
  return placed;
}

function whyNot(name: string, units: readonly SocketUnit[] | string): string {
  const found =
    typeof units === 'string'
      ? `systemd does not tell where that is (${units})`
      : `no .socket unit here has FileDescriptorName=${name} and a ListenStream=`;
  return (
    `${found}; install clamgate.socket (systemd/), or write the address that it listens on in place ` +
    'of the name: the daemon takes the socket of systemd by its address as well'
  );
}

function addressOf(units: readonly SocketUnit[], name: string): string | undefined {
  const named = units.filter((unit) => unit.name === name && unit.addresses.length > 0);
  return (named.find(({ isOurs }) => isOurs) ?? named[0])?.addresses[0];
}

/** All that are installed, started or not; why, where systemd does not tell. */
async function socketUnits(run: RunProgram): Promise<readonly SocketUnit[] | string> {
  const list = ['list-unit-files', '--type=socket', '--no-legend', '--no-pager', '--full'];
  const files = await run('systemctl', list);
  if (files.code !== 0) return complaint('systemctl', files);
  // A template is no unit.
  const names = Array.from(
    files.out.matchAll(/^(\S+\.socket)\s/gm),
    ([, name = '']) => name,
  ).filter((name) => !name.includes('@.'));
  if (names.length === 0) return [];
  const properties = '--property=Id,FileDescriptorName,Listen,Triggers';
  const shown = await run('systemctl', ['show', '--no-pager', properties, '--', ...names]);
  if (shown.code !== 0) return complaint('systemctl', shown);
  return shown.out.split(/\n\n+/).map(unitIn);
}

function unitIn(block: string): SocketUnit {
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
  return {
    name: of('FileDescriptorName'),
    addresses: Array.from(block.matchAll(/^Listen=(.*) \(Stream\)$/gm), ([, where = '']) =>
      listenAddress(where),
    ),
    isOurs: of('Triggers').split(' ').includes(ourService),
  };
}

/** What is bound to every address is found at the loopback one. */
function listenAddress(where: string): string {
  if (where.startsWith('/')) return `unix:${where}`;
  return where.replace(/^(?:\[::\]|0\.0\.0\.0|\*):/, '127.0.0.1:');
}
