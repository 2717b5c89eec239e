/**
 * Where a socket that was handed to us is bound. Node.js tells only once it accepts on it, so the
 * kernel's own tables are read (proc_pid_net(5)).
 */
import { readFileSync, readlinkSync } from 'node:fs';
import type { SocketAddress } from '../socket-address.ts';

/** What is read of /proc/self/net: its files tcp, tcp6 and unix; '' for one that cannot be read. */
export interface SocketTables {
  readonly tcp: string;
  readonly tcp6: string;
  readonly unix: string;
}

/** Undefined when it is no socket, or bound in another way than to a port or a path. */
export function boundAddress(fd: number): SocketAddress | undefined {
  const inode = inodeOf(fd);
  if (inode === undefined) return undefined;
  return addressIn({ tcp: table('tcp'), tcp6: table('tcp6'), unix: table('unix') }, inode);
}

/** @param inode of the socket, in decimal. */
export function addressIn(tables: SocketTables, inode: string): SocketAddress | undefined {
  return inTcp(tables.tcp, inode) ?? inTcp(tables.tcp6, inode) ?? inUnix(tables.unix, inode);
}

function inodeOf(fd: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}

function table(name: string): string {
  try {
    return readFileSync(`/proc/self/net/${name}`, 'utf8');
  } catch {
    return '';
  }
}

/** sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ... */
const inodeColumn = 9;

function inTcp(text: string, inode: string): SocketAddress | undefined {
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[inodeColumn] !== inode) continue;
    const [host = '', port = ''] = columns[1]?.split(':') ?? [];
    return { host: hostOf(host), port: parseInt(port, 16) };
  }
  return undefined;
}

/** The kernel prints each 32 bits of the address as a number of the machine's byte order. */
function hostOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (isLittleEndian) bytes.swap32();
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  // The canonical form, as the URL standard has it (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Num RefCount Protocol Flags Type St Inode Path */
function inUnix(text: string, inode: string): SocketAddress | undefined {
  for (const line of text.split('\n')) {
    const [, number, path] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.*)$/.exec(line) ?? [];
    if (number === inode && path !== undefined) return { path };
  }
  return undefined;
}
