/**
 * Connections to one next hop that wait for their next message: few, and not for long, because a
 * smtpd under stress hangs up after 10 s of silence (Postfix: smtpd_timeout = ${stress?{10}...}).
 */
import type { Clock, Timer } from '../clock.ts';
import type { Connection } from './connection.ts';

export interface IdleLimits {
  /** How long a connection is kept without work. */
  readonly idleMs: number;
  /** Connections that are kept without work; another one is closed. */
  readonly idleConnectionsMax: number;
}

export class IdleConnections {
  readonly #clock: Clock;
  readonly #limits: IdleLimits;
  /** In the order in which they came. */
  readonly #idle = new Map<Connection, Timer>();

  constructor(clock: Clock, limits: IdleLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The connection that has rested the shortest: the likeliest to be alive. */
  take(): Connection | undefined {
    const connection = [...this.#idle.keys()].at(-1);
    if (connection) this.#forget(connection);
    return connection;
  }

  put(connection: Connection): void {
    if (connection.loss !== undefined || this.#idle.size >= this.#limits.idleConnectionsMax) {
      connection.quit();
      return;
    }
    const timer = this.#clock.after(this.#limits.idleMs, () => {
      connection.quit();
    });
    this.#idle.set(connection, timer);
    // Closed by whom it may be, or spoken out of turn: it is not handed out again.
    connection.whenLost(() => {
      this.#forget(connection);
    });
  }

  close(): void {
    for (const connection of [...this.#idle.keys()]) connection.quit();
  }

  #forget(connection: Connection): void {
    this.#idle.get(connection)?.cancel();
    this.#idle.delete(connection);
  }
}
