/** The socket of the commit question; what is said on it is commit.ts. */
import { chmod, mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { Canceller } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { CommitGate } from '../engine/commit-gate.ts';
import { Cancelled } from '../errors.ts';
import { PolicySession } from '../protocol/policy/policy-session.ts';
import { defaultRequestLimits } from '../protocol/policy/request-decoder.ts';
import type { SocketAddress } from '../socket-address.ts';
import { commitDecision } from './commit.ts';
import { drive } from './drive.ts';
import { Inbox } from './inbox.ts';
import { PolicyHandler } from './policy-handler.ts';
import { removeStaleSocket } from './stale-socket.ts';

export interface CommitLimits {
  /** One a process of the re-injection smtpd; Postfix has 100 processes of a service by default. */
  readonly connectionsMax: number;
  /** For one question; far below Postfix's smtpd_policy_service_timeout (100 s). */
  readonly answerMs: number;
  /** Above Postfix's smtpd_policy_service_max_idle (300 s), so that Postfix is who closes. */
  readonly idleMs: number;
}

export const defaultCommitLimits: CommitLimits = {
  connectionsMax: 500,
  answerMs: 20_000,
  idleMs: 330_000,
};

export interface CommitListenerOptions {
  readonly gate: CommitGate;
  readonly clock: Clock;
  readonly limits: CommitLimits;
  /** Told of a gate that failed or was late, of nonsense, and of a socket that fails. */
  readonly onFault: (error: unknown) => void;
}

/** smtpd runs as user postfix, the daemon as another: what the answer is worth is nobody's secret. */
const defaultMode = 0o666;

export class CommitListener {
  readonly #options: CommitListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<Promise<void>>();
  /** Not the daemon's own: while that drains, the next hop still asks. */
  readonly #closing = new Canceller();

  constructor(options: CommitListenerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#accept(socket);
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /**
   * A chrooted smtpd finds a Unix socket only below Postfix's queue directory, by its path relative
   * to that (auto_clnt(3) hands the path to connect(2) as it is; smtpd's working directory is the
   * queue directory, or its root when chrooted). The last directory of the path is made if it is
   * missing.
   *
   * @param address or a socket that is open already; that is left as it is.
   * @param mode the permissions of a Unix socket.
   * @throws what listening fails with: the address is taken, no rights.
   */
  async open(address: SocketAddress | { readonly fd: number }, mode = defaultMode): Promise<void> {
    if ('path' in address) {
      await makeDirectory(dirname(address.path));
      await removeStaleSocket(address.path);
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject).on('error', this.#options.onFault);
        resolve();
      });
    });
    if ('path' in address) await chmod(address.path, mode);
  }

  /** Accepts no more; resolves when the questions that are open have been answered. */
  async close(): Promise<void> {
    this.#server.close();
    this.#closing.abort(new Cancelled('shutdown'));
    await Promise.all(this.#sessions);
  }

  destroy(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { limits, onFault } = this.#options;
    socket.on('error', () => undefined);
    if (this.#sockets.size >= limits.connectionsMax) {
      onFault(new Error(`more than ${limits.connectionsMax} connections for the commit question`));
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const session = this.#converse(new Inbox(socket));
    this.#sessions.add(session);
    void session.finally(() => this.#sessions.delete(session));
  }

  #converse(inbox: Inbox): Promise<void> {
    const { gate, clock, limits, onFault } = this.#options;
    const { answerMs, idleMs } = limits;
    const session = new PolicySession(defaultRequestLimits);
    const decide = commitDecision({ gate, clock, answerMs, onFault });
    const handler = new PolicyHandler(session, { decide, what: 'the commit question', onFault });
    return drive(inbox, session, handler, {
      clock,
      sessionIdleMs: idleMs,
      sessionTurnMs: idleMs,
      stopping: this.#closing.signal,
    });
  }
}

/** Others must be able to pass through it, whatever our umask. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
    await chmod(path, 0o755);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
