/**
 * The sockets that systemd holds for us, to be taken by name (`address = "systemd:NAME"`) or by the
 * address they are bound to. systemd keeps its own descriptor of each, so while we start again the
 * kernel goes on taking connections, and nobody is refused.
 */
import { isIPv6 } from 'node:net';
import { OperationalError } from '../errors.ts';
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';
import type { Handed } from './systemd-environment.ts';

const prefix = 'systemd:';

/** What FileDescriptorName= takes (systemd.socket(5)). */
const nameForm = /^[!-9;-~]{1,255}$/;

/** The NAME of `systemd:NAME`; undefined when it is another kind of address. */
export function systemdName(address: string): string | undefined {
  const name = address.startsWith(prefix) ? address.slice(prefix.length) : undefined;
  return name !== undefined && nameForm.test(name) ? name : undefined;
}

/** Whether a listener may have this address. */
export function isListenAddress(address: string): boolean {
  return systemdName(address) !== undefined || parseSocketAddress(address).ok;
}

/** Where to listen, and where whoever connects to it finds it; that may not be known. */
export interface ListenPlace {
  readonly listen: SocketAddress | { readonly fd: number };
  readonly address: SocketAddress | undefined;
}

interface Passed extends Handed {
  /** Undefined when it is not known. */
  readonly address: SocketAddress | undefined;
}

export class SystemdSockets {
  readonly #free: Set<Passed>;
  readonly #all: readonly Passed[];

  constructor(
    handed: readonly Handed[],
    addressOf: (fd: number) => SocketAddress | undefined = () => undefined,
  ) {
    this.#all = handed.map((one) => ({ ...one, address: addressOf(one.fd) }));
    this.#free = new Set(this.#all);
  }

  /** Sockets that nobody has taken, as people know them. */
  get unused(): readonly string[] {
    return [...this.#free].map(described);
  }

  /**
   * Where to listen for `address`, at least one place: what systemd passed under that name or bound
   * to that address, else the address itself. What is taken is taken for good: closing it closes it.
   *
   * @param address as `isListenAddress` takes it.
   * @throws {OperationalError} CONFIG, when nothing of that name is left to be taken.
   */
  take(address: string): readonly ListenPlace[] {
    const name = systemdName(address);
    if (name !== undefined) return this.#takeNamed(name);
    const parsed = parseSocketAddress(address);
    if (!parsed.ok) throw new OperationalError('CONFIG', parsed.problem);
    const bound = this.#claim((one) => isSame(one.address, parsed.address));
    return bound.length > 0 ? bound : [{ listen: parsed.address, address: parsed.address }];
  }

  #takeNamed(name: string): readonly ListenPlace[] {
    const places = this.#claim((one) => one.name === name);
    if (places.length > 0) return places;
    const known = this.#all.some((one) => one.name === name)
      ? 'the one of that name is in use, or was closed by a reload and comes back at a restart'
      : this.#whatWasPassed();
    throw new OperationalError('CONFIG', `systemd passed no socket named "${name}"; ${known}`);
  }

  #claim(wanted: (one: Passed) => boolean): readonly ListenPlace[] {
    const taken = [...this.#free].filter(wanted);
    for (const one of taken) this.#free.delete(one);
    return taken.map(({ fd, address }) => ({ listen: { fd }, address }));
  }

  #whatWasPassed(): string {
    if (this.#all.length === 0) {
      return 'it passed none: is a socket unit of that FileDescriptorName= active for this service?';
    }
    return `it passed ${this.#all.map(described).join(', ')}`;
  }
}

function described({ name, address, fd }: Passed): string {
  return `"${name}" (${address === undefined ? `descriptor ${fd}` : showAddress(address)})`;
}

function showAddress(address: SocketAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  const { host, port } = address;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function isSame(one: SocketAddress | undefined, other: SocketAddress): boolean {
  return one !== undefined && showAddress(one) === showAddress(other);
}
