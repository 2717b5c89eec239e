/**
 * The control endpoint: HTTP on a Unix socket, or on a loopback port, for probes, Prometheus and
 * our own command line. It shows senders and recipients, so no other machine may reach it. What is
 * read there costs little and ends soon; changed are only the ledger, and which clamds are drained, at
 * the operator's word.
 */
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import { messageOf, OperationalError } from '../errors.ts';
import { removeStaleSocket } from '../listener/stale-socket.ts';
import { isLoopback, parseLocalAddress } from './config-address.ts';
import { actionAt, type Changeable } from './control-actions.ts';
import { notAllowed, text, type Page } from './control-page.ts';
import { answer, type ControlSources } from './control-routes.ts';

const bounds = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
const connectionsMax = 50;
/** A client that does not read its answer is cut off. */
const silenceMs = 30_000;
/** A large ledger takes its time to be compacted. */
const actionMs = 600_000;
/** Owner and group: whoever may look at the mail of this machine. */
const socketMode = 0o660;

export interface ControlOptions {
  readonly sources: ControlSources;
  readonly changeable: Changeable;
  /** Told of what broke while answering; the client gets 500. */
  readonly onFault: (error: unknown) => void;
}

export class Control {
  readonly #server: Server;
  readonly #options: ControlOptions;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#server = createServer(bounds, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.maxConnections = connectionsMax;
    this.#server.setTimeout(silenceMs);
  }

  /**
   * Listens on unix:/path or a loopback port. A socket file that a killed daemon left is replaced.
   *
   * @throws {OperationalError} CONFIG, when the address is not local, in use or not ours to take.
   */
  async open(address: string): Promise<void> {
    const local = parseLocalAddress(address);
    if (!local) throw refused(address, 'it could be reached from other machines');
    try {
      if ('path' in local) await removeStaleSocket(local.path);
      await this.#listen(local);
      if ('path' in local) await chmod(local.path, socketMode);
    } catch (error) {
      throw refused(address, messageOf(error), error);
    }
  }

  /** Resolves when every connection is closed; those at work are cut off. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #listen(options: ListenOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(options, () => {
        this.#server.off('error', reject).on('error', this.#options.onFault);
        resolve();
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    send(request, response, await this.#page(request));
  }

  async #page(request: IncomingMessage): Promise<Page> {
    if (!isAddressedToUs(request)) return text(403, 'ask by address, not by a name');
    const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    try {
      return await this.#answer(request, path, new URLSearchParams(query));
    } catch (error) {
      this.#options.onFault(error);
      return text(500, 'failed; the log says why');
    }
  }

  async #answer(request: IncomingMessage, path: string, query: URLSearchParams): Promise<Page> {
    const { sources, changeable } = this.#options;
    const { method, headers, socket } = request;
    const action = actionAt(path);
    if (!action) {
      if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD');
      return answer(path, query, sources);
    }
    if (method !== 'POST') return notAllowed('POST');
    if (headers[actionHeader] === undefined) return text(403, `say ${actionHeader}: 1`);
    socket.setTimeout(actionMs);
    return action(changeable, query);
  }
}

/**
 * Whoever wants something changed says so with this header field. A web page that has a browser send
 * a form to a loopback port cannot; for a script to send it the browser asks with OPTIONS first,
 * which is 405 here.
 */
export const actionHeader = 'x-clamgate';

/**
 * A browser can be led to a loopback port by a name that its owner lets point there (DNS
 * rebinding); the name is then in the Host field.
 */
function isAddressedToUs({ socket, headers }: IncomingMessage): boolean {
  if (socket.remoteAddress === undefined) return true;
  const host = headers.host?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return host === undefined || isLoopback(host);
}

function send({ method }: IncomingMessage, response: ServerResponse, page: Page): void {
  response.writeHead(page.status, {
    'content-type': page.contentType,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    ...(page.allow !== undefined && { allow: page.allow }),
    // What came with it is not read.
    ...(method !== 'GET' && method !== 'HEAD' && { connection: 'close' }),
  });
  response.end(method === 'HEAD' ? undefined : page.body);
}

function refused(address: string, why: string, cause?: unknown): OperationalError {
  return new OperationalError('CONFIG', `control endpoint ${address}: ${why}`, { cause });
}
