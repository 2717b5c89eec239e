import { chmod } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Engine } from '../engine/engine.ts';
import { Cancelled } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { reply } from '../protocol/smtp/reply.ts';
import { ServerSession, type ServerSessionOptions } from '../protocol/smtp/server-session.ts';
import type { WaitingLine } from '../waiting-line.ts';
import { drive } from './drive.ts';
import { Inbox } from './inbox.ts';
import { removeStaleSocket } from './stale-socket.ts';
import { SmtpHandler, stoppingReply } from './smtp.ts';

/** RFC 5321 §3.1: a server that cannot serve greets with 421 or 554. */
const crowdedReply = reply(421, '4.3.2', 'Too many connections, try again later');

/** What a reload of the configuration may change; it holds for sessions that begin afterwards. */
export interface ListenerSettings {
  readonly hostname: string;
  readonly bareCr: ServerSessionOptions['bareCr'];
  readonly limits: Limits;
  /** Whether a peer may say who the client is (XFORWARD); undefined is a peer on a Unix socket. */
  readonly mayXforward: (address: string | undefined) => boolean;
  /** Takes the transactions, also the next ones of sessions that are open. */
  readonly engine: Engine;
}

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

/**
 * One address on which SMTP or LMTP is spoken. A connection is always accepted, and greeted when
 * there is room: Postfix takes a refused connection or a 421 greeting for a dead destination.
 */
export class Listener {
  settings: ListenerSettings;
  readonly #surroundings: ListenerSurroundings;
  /** One for each socket; an address that systemd holds for us may have several. */
  readonly #servers: Server[] = [];
  readonly #handlers = new Set<SmtpHandler>();
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor(settings: ListenerSettings, surroundings: ListenerSurroundings) {
    this.settings = settings;
    this.#surroundings = surroundings;
  }

  /** Sessions that are open, greeted or not. */
  get sessions(): number {
    return this.#sockets.size;
  }

  /**
   * Listens on one socket more.
   *
   * @param mode the permissions of a Unix socket; left to the umask when absent.
   * @throws what listening fails with: the address is taken, no rights.
   */
  async open(listen: ListenOptions, mode?: number): Promise<void> {
    if (listen.path !== undefined) await removeStaleSocket(listen.path);
    const { onFault } = this.#surroundings;
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
    if (listen.path !== undefined && mode !== undefined) await chmod(listen.path, mode);
  }

  /** Serves a connection that was accepted, here or elsewhere, to its end. Never rejects. */
  async serve(socket: Socket): Promise<void> {
    const { sessions, onFault } = this.#surroundings;
    // From the start: only who reads sees a peer that goes away while it waits for its greeting.
    const inbox = new Inbox(socket);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
    try {
      const leave = await sessions.enter(inbox.gone);
      await this.#converse(inbox, leave !== undefined).finally(leave);
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
    for (const handler of this.#handlers) handler.shutDown();
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #converse(inbox: Inbox, welcome: boolean): Promise<void> {
    const { clock, stopping, onFault } = this.#surroundings;
    const session = this.#newSession(inbox.socket);
    const handler = new SmtpHandler(session, {
      engine: () => this.settings.engine,
      stopping,
      onFault,
    });
    if (welcome && !stopping.aborted) session.greet();
    else session.refuse(welcome ? stoppingReply : crowdedReply);
    this.#handlers.add(handler);
    const { sessionIdleMs, sessionTurnMs } = this.settings.limits;
    await drive(inbox, session, handler, { clock, sessionIdleMs, sessionTurnMs, stopping }).finally(
      () => this.#handlers.delete(handler),
    );
  }

  #newSession(socket: Socket): ServerSession {
    const { engine, hostname, limits, bareCr, mayXforward } = this.settings;
    return new ServerSession({
      flavour: engine.door.flavour,
      hostname,
      limits,
      bareCr,
      xforwardAllowed: mayXforward(socket.remoteAddress),
    });
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
