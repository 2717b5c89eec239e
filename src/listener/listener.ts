import type { Socket } from 'node:net';
import type { Engine } from '../engine/engine.ts';
import type { Limits } from '../limits.ts';
import { reply } from '../protocol/smtp/reply.ts';
import { ServerSession, type ServerSessionOptions } from '../protocol/smtp/server-session.ts';
import { drive } from './drive.ts';
import type { Inbox } from './inbox.ts';
import { SmtpHandler, stoppingReply } from './smtp.ts';
import { type ListenerSurroundings, SocketListener } from './socket-listener.ts';

export type { ListenerSurroundings } from './socket-listener.ts';

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

/**
 * One address on which SMTP or LMTP is spoken. A connection is always accepted, and greeted when
 * there is room: Postfix takes a refused connection or a 421 greeting for a dead destination.
 */
export class Listener extends SocketListener {
  settings: ListenerSettings;

  constructor(settings: ListenerSettings, surroundings: ListenerSurroundings) {
    super(surroundings);
    this.settings = settings;
  }

  protected override async converse(inbox: Inbox, welcome: boolean): Promise<void> {
    const { clock, stopping, onFault } = this.surroundings;
    const session = this.#newSession(inbox.socket);
    const handler = new SmtpHandler(session, {
      engine: () => this.settings.engine,
      stopping,
      onFault,
    });
    if (welcome && !stopping.aborted) session.greet();
    else session.refuse(welcome ? stoppingReply : crowdedReply);
    this.atWork.add(handler);
    const { sessionIdleMs, sessionTurnMs } = this.settings.limits;
    await drive(inbox, session, handler, { clock, sessionIdleMs, sessionTurnMs, stopping }).finally(
      () => this.atWork.delete(handler),
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
