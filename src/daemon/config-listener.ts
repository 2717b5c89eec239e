/** The tables [[listener]] of the configuration: the doors, and where they are. */
import type { Position } from '../verdict/disposition.ts';

/** The socket of a listener. */
interface ListenerSocket {
  /** host:port, [v6]:port or unix:/path. */
  readonly address: string;
  /** Connections that the kernel holds until we accept them. */
  readonly backlog: number;
  /** Permissions of a Unix socket. */
  readonly mode: number;
  /** The group of a Unix socket, by name or number; that of the process when absent. */
  readonly group?: string;
}

export interface SmtpListenerConfig extends ListenerSocket {
  readonly protocol: 'smtp' | 'lmtp';
  readonly position: Position;
  /** host:port or unix:/path, perhaps after smtp: or lmtp:. */
  readonly nextHop: string;
  /** Who may send XFORWARD: addresses and networks, for `addressList`. Unix sockets always may. */
  readonly xforwardFrom: readonly string[];
}

export interface MilterListenerConfig extends ListenerSocket {
  readonly protocol: 'milter';
  /** What is to be quarantined: refused, or held by Postfix (its hold queue). */
  readonly quarantine: 'reject' | 'hold';
}

export interface PolicyListenerConfig extends ListenerSocket {
  readonly protocol: 'policy';
  /** As many transactions in line, and no more mail is asked for. */
  readonly waitingLevel: number;
  /** Less on a disk that mail is written to, and none is asked for. */
  readonly freeBytesMin: number;
}

export type ListenerConfig = SmtpListenerConfig | MilterListenerConfig | PolicyListenerConfig;

/** Those that hand mail on. */
export function smtpListeners(config: {
  readonly listeners: readonly ListenerConfig[];
}): readonly SmtpListenerConfig[] {
  return config.listeners.filter((one) => 'nextHop' in one);
}
