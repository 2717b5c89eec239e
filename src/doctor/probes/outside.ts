/** Whether a port of this machine can be reached at an address that others know, too: tried, not guessed. */
import { networkInterfaces } from 'node:os';
import { accepts } from '../../accepts.ts';

const connectMs = 1000;

/** The addresses of this machine, not loopback, at which the port takes connections. */
export async function reachableAddresses(port: number): Promise<readonly string[]> {
  const hosts = outerAddresses();
  const taken = await Promise.all(hosts.map((host) => accepts({ host, port }, connectMs)));
  return hosts.filter((_, at) => taken[at]);
}

/** Link-local ones need a scope, and whoever reaches one of them reaches another. */
function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}
