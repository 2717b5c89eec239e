/** The witness's socket: takes requests, several at a time from each connection, and answers them. */
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { ReceiveBuffer } from '../protocol/receive-buffer.ts';
import {
  answerLine,
  parseRequest,
  witnessLineBytesMax,
  type WitnessRequest,
} from '../protocol/witness/line.ts';
import type { Witness } from './witness.ts';

export interface WitnessServerOptions {
  readonly witness: Witness;
  /** For the log. */
  readonly onTrouble: (detail: string) => void;
}

/** The daemon has one, and after a restart a second for a moment. */
const connectionsMax = 20;
/** Requests of one connection that are at work; more are not read. */
const requestsMax = 100;
/** Answers that may wait for a peer that does not read them. */
const unreadBytesMax = 64 * 1024;

export class WitnessServer {
  readonly #options: WitnessServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: WitnessServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      void this.#serve(socket);
    });
    this.#server.maxConnections = connectionsMax;
    this.#server.on('drop', () => {
      options.onTrouble(`more than ${connectionsMax} connections`);
    });
  }

  /** @throws what listening fails with. */
  open(listen: ListenOptions & { readonly fd?: number }): Promise<void> {
    const { onTrouble } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listen, () => {
        this.#server.off('error', reject).on('error', (error) => {
          onTrouble(error.message);
        });
        resolve();
      });
    });
  }

  /** Ends all connections; what is at work is not answered any more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    try {
      const understood = await this.#converse(socket);
      if (!understood) this.#options.onTrouble('what came is no request; the connection is closed');
    } catch {
      // Whoever asked has gone, or we go: there is nobody left to be told.
    } finally {
      socket.destroy();
    }
  }

  /** @returns false when something else than a request came. */
  async #converse(socket: Socket): Promise<boolean> {
    const input = new ReceiveBuffer(witnessLineBytesMax);
    const atWork = new Set<Promise<void>>();
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      input.push(chunk);
      for (let line = input.readLine(); line; line = input.readLine()) {
        const request = line.kind === 'line' ? parseRequest(line.bytes) : undefined;
        if (!request) return false;
        if (atWork.size >= requestsMax) await Promise.race(atWork);
        const work = this.#answer(request, socket);
        atWork.add(work);
        void work.finally(() => atWork.delete(work));
      }
    }
    await Promise.all(atWork);
    return true;
  }

  async #answer(request: WitnessRequest, socket: Socket): Promise<void> {
    const word = await this.#options.witness.answer(request);
    if (!socket.writable) return;
    socket.write(answerLine({ number: request.number, word }));
    if (socket.writableLength > unreadBytesMax) socket.destroy();
  }
}
