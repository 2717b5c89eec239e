/**
 * The addresses that a configuration names: where we listen, who may say XFORWARD. Those of
 * clamd and of the next hop are read where they are used (scan, relay). Nothing is looked up or opened here.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Where a server listens or a client connects. */
export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** sun_path holds 108 bytes with its final NUL (unix(7)). */
const unixPathBytesMax = 107;

/** host:port, [::1]:port or unix:/path. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  return text.startsWith('unix:') ? parseUnix(text) : parseTcp(text);
}

/** As `parseSocketAddress`, but only what other machines cannot reach. */
export function parseLocalAddress(text: string): SocketAddress | undefined {
  const address = parseSocketAddress(text);
  return address?.kind === 'tcp' && !isLoopback(address.host) ? undefined : address;
}

/** Names this machine as seen from itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, family(host)));
}

/** A set of addresses and networks in CIDR notation; undefined if an entry is neither. */
export function addressList(entries: readonly string[]): BlockList | undefined {
  const list = new BlockList();
  return entries.every((entry) => addTo(list, entry)) ? list : undefined;
}

/** Whether the address of a peer is on the list; a peer on a Unix socket has none, and is. */
export function isListed(list: BlockList, peer: string | undefined): boolean {
  return peer === undefined || (isIP(peer) !== 0 && list.check(peer, family(peer)));
}

function addTo(list: BlockList, entry: string): boolean {
  const [, address = '', prefix] = /^([\d.]+|[\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(entry) ?? [];
  if (isIP(address) === 0) return false;
  const bits = isIPv4(address) ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (length > bits) return false;
  list.addSubnet(address, length, family(address));
  return true;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

function parseUnix(text: string): SocketAddress | undefined {
  const path = text.slice('unix:'.length);
  const fits = path.startsWith('/') && Buffer.byteLength(path) <= unixPathBytesMax;
  return fits && !path.includes('\0') ? { kind: 'unix', path } : undefined;
}

function parseTcp(text: string): SocketAddress | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text);
  const [, v6, name, digits] = match ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65535)) return undefined;
  if (v6 !== undefined) return isIP(v6) === 6 ? { kind: 'tcp', host: v6, port } : undefined;
  return { kind: 'tcp', host: name ?? '', port };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
