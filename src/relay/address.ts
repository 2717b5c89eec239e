/** The address of a next hop as the configuration names it. Nothing is looked up or opened here. */
import { isIPv6 } from 'node:net';
import { OperationalError } from '../errors.ts';
import type { Flavour } from '../protocol/smtp/client-session.ts';

/** Where to connect, in the words of net.connect. */
export type ConnectOptions =
  { readonly host: string; readonly port: number } | { readonly path: string };

export interface NextHopAddress {
  readonly flavour: Flavour;
  readonly connect: ConnectOptions;
}

/** sun_path holds 108 bytes with its final NUL (unix(7)). */
const unixPathBytesMax = 107;

const hostAndPort = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[A-Za-z0-9._-]+)):(?<port>[0-9]{1,5})$/u;

/**
 * `127.0.0.1:10025`, `[::1]:10025`, `host.example:25` or `unix:/path`, with `smtp:` or `lmtp:` in
 * front if wanted; SMTP where neither is said.
 *
 * @throws {OperationalError} CONFIG, saying what is wrong and what would be right.
 */
export function parseNextHopAddress(text: string): NextHopAddress {
  const prefix = /^(?<flavour>smtp|lmtp):/u.exec(text)?.groups?.['flavour'];
  const rest = prefix === undefined ? text : text.slice(prefix.length + 1);
  return {
    flavour: prefix === 'lmtp' ? 'lmtp' : 'smtp',
    connect: rest.startsWith('unix:') ? unixPath(rest.slice('unix:'.length)) : tcp(rest),
  };
}

function unixPath(path: string): ConnectOptions {
  if (!path.startsWith('/')) {
    throw unusable(`"unix:${path}" needs an absolute path, as in "unix:/run/next-hop.sock"`);
  }
  if (path.includes('\0')) throw unusable('the path of a Unix socket cannot hold a NUL');
  if (Buffer.byteLength(path) > unixPathBytesMax) {
    throw unusable(`"unix:${path}" is longer than the ${unixPathBytesMax} bytes of a Unix socket`);
  }
  return { path };
}

function tcp(text: string): ConnectOptions {
  const { v6, host, port } = hostAndPort.exec(text)?.groups ?? {};
  if (port === undefined) {
    throw unusable(`"${text}" is not host:port, [IPv6]:port or unix:/path`);
  }
  if (v6 !== undefined && !isIPv6(v6)) {
    throw unusable(`"${text}" has no IPv6 address between its brackets`);
  }
  if (Number(port) < 1 || Number(port) > 65535) {
    throw unusable(`"${text}" has a port outside 1-65535`);
  }
  return { host: v6 ?? host ?? '', port: Number(port) };
}

function unusable(why: string): OperationalError {
  return new OperationalError('CONFIG', `next hop: ${why}`);
}
