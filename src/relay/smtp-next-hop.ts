/** A next hop that speaks SMTP or LMTP: where deliveries begin and connections rest. */
import { connect as connectSocket, type NetConnectOpts, type Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Flavour } from '../protocol/smtp/client-session.ts';
import type { SocketAddress } from '../socket-address.ts';
import { parseNextHopAddress } from './address.ts';
import { Connection, type Patience } from './connection.ts';
import { IdleConnections, type IdleLimits } from './idle-connections.ts';
import type { Delivery, NextHop, Opening } from './next-hop.ts';
import { SmtpDelivery } from './smtp-delivery.ts';

export interface NextHopLimits extends IdleLimits {
  /** Connecting with the greeting, and each answer before the final dot. */
  readonly nextHopReplyMs: number;
  /** From the final dot to the last answer to it; then what became of the message is unknown. */
  readonly nextHopDotMs: number;
}

export interface SmtpNextHopOptions {
  /** As in the configuration; see address.ts. */
  readonly address: string;
  readonly clock: Clock;
  readonly limits: NextHopLimits;
  /** Opens a socket; the seam where tests take another one. */
  readonly connect?: (options: NetConnectOpts) => Socket;
}

export class SmtpNextHop implements NextHop {
  readonly address: string;
  readonly flavour: Flavour;
  readonly #target: SocketAddress;
  readonly #openSocket: (options: NetConnectOpts) => Socket;
  readonly #patience: Patience;
  readonly #idle: IdleConnections;
  #closed = false;

  /** @throws {OperationalError} CONFIG, when the address cannot be read. */
  constructor({ address, clock, limits, connect = connectSocket }: SmtpNextHopOptions) {
    const { flavour, connect: target } = parseNextHopAddress(address);
    this.address = address;
    this.flavour = flavour;
    this.#target = target;
    this.#openSocket = connect;
    this.#patience = { clock, ...limits };
    this.#idle = new IdleConnections(clock, limits);
  }

  begin(opening: Opening, signal: CancelSignal): Delivery {
    const connections = {
      flavour: this.flavour,
      reuse: () => this.#idle.take(),
      connect: () => this.#connect(),
      release: (connection: Connection) => {
        this.#release(connection);
      },
    };
    return new SmtpDelivery(opening, connections, signal);
  }

  close(): void {
    this.#closed = true;
    this.#idle.close();
  }

  #connect(): Connection {
    // Without noDelay each of our small writes could wait for the acknowledgement of the last.
    const socket = this.#openSocket({ ...this.#target, noDelay: true });
    return new Connection(socket, this.flavour, this.#patience);
  }

  #release(connection: Connection): void {
    if (this.#closed) connection.quit();
    else this.#idle.put(connection);
  }
}
