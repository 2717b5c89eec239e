/** Which sockets this machine listens on, and who does, by ss(8). */
import { type Host, output } from '../host.ts';

export interface ListeningSocket {
  /** `host:port` with the host as ss writes it, or a path. */
  readonly address: string;
  /** Connections that the kernel holds until they are accepted. */
  readonly backlog: number;
  /** Seen by root only; a socket that systemd opened is also systemd's. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
}

/** @throws when ss is not there. */
export async function listeningSockets(host: Host): Promise<readonly ListeningSocket[]> {
  const out = await output(host, 'ss', ['-H', '-l', '-n', '-p', '-t', '-x']);
  return out.split('\n').flatMap(socketOf);
}

function socketOf(line: string): ListeningSocket[] {
  const [, backlog, address] = /^\S+\s+LISTEN\s+\d+\s+(\d+)\s+(\S+)/.exec(line) ?? [];
  if (address === undefined) return [];
  const processes = Array.from(
    line.matchAll(/\("([^"]*)",pid=(\d+)/g),
    ([, name = '', pid = '']) => ({ name, pid: Number(pid) }),
  );
  return [{ address, backlog: Number(backlog), processes }];
}

/** The socket at a Unix path, or at a port of a host; a wildcard is any host. */
export function socketAt(
  sockets: readonly ListeningSocket[],
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): ListeningSocket | undefined {
  if ('path' in where) {
    const paths = [where.path, where.path.replace(/^\/run\//, '/var/run/')];
    return sockets.find(({ address }) => paths.includes(address));
  }
  const host = where.host === 'localhost' ? '127.0.0.1' : where.host;
  const names = [host, `[${host}]`, '0.0.0.0', '*', '[::]'].map((name) => `${name}:${where.port}`);
  return names.flatMap((name) => sockets.find(({ address }) => address === name) ?? [])[0];
}
