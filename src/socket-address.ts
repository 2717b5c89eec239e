/** The address of a socket as the configuration writes it. Nothing is looked up or opened here. */
import { isIPv6 } from 'node:net';

/** Where to listen or to connect, in the words of node:net. */
export type SocketAddress =
  { readonly host: string; readonly port: number } | { readonly path: string };

export type ParsedSocketAddress =
  | { readonly ok: true; readonly address: SocketAddress }
  /** `problem` says what is wrong and what would be right. */
  | { readonly ok: false; readonly problem: string };

/** sun_path holds 108 bytes with its final NUL (unix(7)); node cuts longer paths off silently. */
const unixPathBytesMax = 107;

const hostAndPort = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[A-Za-z0-9._-]+)):(?<port>[0-9]{1,5})$/u;

/** `127.0.0.1:10025`, `[::1]:10025`, `host.example:25` or `unix:/path`. */
export function parseSocketAddress(text: string): ParsedSocketAddress {
  return text.startsWith('unix:') ? parseUnix(text) : parseTcp(text);
}

function parseUnix(text: string): ParsedSocketAddress {
  const path = text.slice('unix:'.length);
  if (!path.startsWith('/')) {
    return problem(`"${text}" needs an absolute path, as in "unix:/run/next-hop.sock"`);
  }
  if (path.includes('\0')) return problem('the path of a Unix socket cannot hold a NUL');
  if (Buffer.byteLength(path) > unixPathBytesMax) {
    return problem(`"${text}" is longer than the ${unixPathBytesMax} bytes of a Unix socket`);
  }
  return { ok: true, address: { path } };
}

function parseTcp(text: string): ParsedSocketAddress {
  const { v6, host, port } = hostAndPort.exec(text)?.groups ?? {};
  if (port === undefined) return problem(`"${text}" is not host:port, [IPv6]:port or unix:/path`);
  if (v6 !== undefined && !isIPv6(v6)) {
    return problem(`"${text}" has no IPv6 address between its brackets`);
  }
  if (Number(port) < 1 || Number(port) > 65535) {
    return problem(`"${text}" has a port outside 1-65535`);
  }
  return { ok: true, address: { host: v6 ?? host ?? '', port: Number(port) } };
}

function problem(what: string): ParsedSocketAddress {
  return { ok: false, problem: what };
}
