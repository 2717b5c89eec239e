import { chmod, chown } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { Cancelled } from '../errors.ts';
import type { WaitingLine } from '../waiting-line.ts';
import { Inbox } from './inbox.ts';
import { removeStaleSocket } from './stale-socket.ts';

/** What all listeners of the daemon share. */
export interface ListenerSurroundings {
  readonly clock: Clock;
  /** In front of all sessions of the daemon. */
  readonly sessions: WaitingLine;
  /** Aborted when the daemon goes down. */
  readonly stopping: CancelSignal;
  /** Told of what should be impossible, and of a server socket that fails. */
  readonly onFault: (error: unknown) => void;
}

/** Leaves the owner as it is (chown(2)). */
const sameOwner = -1;

/**
 * One address on which a protocol is spoken; which one is said by who extends it. A connection is
 * always accepted, and a session begins when there is room.
 */
export abstract class SocketListener {
  protected readonly surroundings: ListenerSurroundings;
  /** What is called off when the drain time is over. */
  protected readonly atWork = new Set<{ shutDown(): void }>();
  /** One for each socket; an address that systemd holds for us may have several. */
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor(surroundings: ListenerSurroundings) {
    this.surroundings = surroundings;
  }

  /** Sessions that are open, greeted or not. */
  get sessions(): number {
    return this.#sockets.size;
  }

  /**
   * Listens on one socket more.
   *
   * @param mode the permissions of a Unix socket; left to the umask when absent.
   * @param group the id of the group that it is given to; left to the process when absent.
   * @throws what listening fails with: the address is taken, no rights.
   */
  async open(listen: ListenOptions, mode?: number, group?: number): Promise<void> {
    const { path } = listen;
    if (path !== undefined) await removeStaleSocket(path);
    const { onFault } = this.surroundings;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      void this.serve(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(listen, () => {
        server.off('error', reject).on('error', onFault);
        this.#servers.push(server);
        resolve();
      });
    });
    if (path === undefined) return;
    if (group !== undefined) await chown(path, sameOwner, group);
    if (mode !== undefined) await chmod(path, mode);
  }

  /** Serves a connection that was accepted, here or elsewhere, to its end. Never rejects. */
  async serve(socket: Socket): Promise<void> {
    const { sessions, onFault } = this.surroundings;
    // From the start: only who reads sees a peer that goes away while it waits for its greeting.
    const inbox = new Inbox(socket);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
    try {
      const leave = await sessions.enter(inbox.gone);
      await this.converse(inbox, leave !== undefined).finally(leave);
    } catch (error) {
      if (!(error instanceof Cancelled)) onFault(error);
      socket.destroy();
    }
  }

  /** Accepts no more; resolves when the last session has ended. */
  close(): Promise<void> {
    this.#closed ??= Promise.all(this.#servers.map(closed)).then(() => undefined);
    return this.#closed;
  }

  /** Calls off what is still at work: it is answered 451, then the connection closes. */
  cutOff(): void {
    for (const handler of this.atWork) handler.shutDown();
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /**
   * Speaks with a peer until the session is over.
   *
   * @param welcome whether there is room for it.
   */
  protected abstract converse(inbox: Inbox, welcome: boolean): Promise<void>;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
