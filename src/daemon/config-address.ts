/** What only a configuration asks of an address: is it of this machine, is it on a list. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { parseSocketAddress, type SocketAddress } from '../socket-address.ts';

/** As `parseSocketAddress`, but only what other machines cannot reach. */
export function parseLocalAddress(text: string): SocketAddress | undefined {
  const parsed = parseSocketAddress(text);
  if (!parsed.ok) return undefined;
  const { address } = parsed;
  return 'host' in address && !isLoopback(address.host) ? undefined : address;
}

/** Names this machine as seen from itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, family(host)));
}

/** Stands for every address of this machine, when something listens there. */
export function isWildcard(host: string): boolean {
  return isIP(host) !== 0 && wildcard.check(host, family(host));
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

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const wildcard = new BlockList();
wildcard.addAddress('0.0.0.0', 'ipv4');
wildcard.addAddress('::', 'ipv6');
