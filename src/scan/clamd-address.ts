/** Where a clamd listens, as it is written in the configuration. */
import type { NetConnectOpts } from 'node:net';

export interface ClamdAddress {
  /** As configured: its name in logs, metrics and reports. */
  readonly name: string;
  readonly connect: Readonly<NetConnectOpts>;
}

export type ParsedClamdAddress =
  | { readonly ok: true; readonly address: ClamdAddress }
  /** `problem` says what is wrong and what would be right. */
  | { readonly ok: false; readonly problem: string };

/** sockaddr_un.sun_path on Linux, with its NUL; node cuts longer paths off silently. */
const unixPathBytesMax = 107;

const forms = "'unix:/path', 'tcp://host:port' or 'tcp://[::1]:port'";

/** Reads 'unix:/path', 'tcp://host:port' or 'tcp://[::1]:port'. */
export function parseClamdAddress(text: string): ParsedClamdAddress {
  if (text.startsWith('unix:')) return unixAddress(text, text.slice('unix:'.length));
  if (text.startsWith('tcp://')) return tcpAddress(text, text.slice('tcp://'.length));
  if (text.startsWith('/')) return problem(text, `a Unix socket is written 'unix:${text}'`);
  return problem(text, `clamd's address must be ${forms}`);
}

function unixAddress(name: string, path: string): ParsedClamdAddress {
  if (!path.startsWith('/')) return problem(name, "after 'unix:' comes an absolute path");
  if (Buffer.byteLength(path) > unixPathBytesMax) {
    return problem(name, `a socket's path can have at most ${unixPathBytesMax} bytes`);
  }
  return { ok: true, address: { name, connect: { path } } };
}

function tcpAddress(name: string, rest: string): ParsedClamdAddress {
  const parts = /^(?:\[(?<ipv6>[0-9a-fA-F:.%\w]+)\]|(?<host>[^:[\]/\s]+)):(?<port>\d+)$/.exec(rest);
  const host = parts?.groups?.['ipv6'] ?? parts?.groups?.['host'];
  if (host === undefined) {
    return problem(name, "TCP is written 'tcp://host:port', an IPv6 address in brackets");
  }
  const port = Number(parts?.groups?.['port']);
  if (port < 1 || port > 65_535) return problem(name, 'the port must be from 1 to 65535');
  return { ok: true, address: { name, connect: { host, port } } };
}

function problem(text: string, what: string): ParsedClamdAddress {
  return { ok: false, problem: `'${text}': ${what}` };
}
