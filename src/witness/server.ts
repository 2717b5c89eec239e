/** The witness's socket: takes requests, several at a time from each connection, and answers them. */
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { ReceiveBuffer } from '../protocol/receive-buffer.ts';
import {
  answerLine,
  parseRequest,
  witnessLineBytesMax,
  type WitnessWord,
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
      this.#serve(socket);
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

  #serve(socket: Socket): void {
    const input = new ReceiveBuffer(witnessLineBytesMax);
    const peer: Peer = { socket, input, atWork: 0 };
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Whoever asked has gone: there is nobody left to be told.
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      input.push(bytes);
      this.#take(peer);
    });
  }

  /** What can be answered at once is one write: a release travels with the next question. */
  #take(peer: Peer): void {
    let said = '';
    while (peer.atWork < requestsMax) {
      const line = peer.input.readLine();
      if (!line) break;
      const request = line.kind === 'line' ? parseRequest(line.bytes) : undefined;
      if (!request) {
        this.#options.onTrouble('what came is no request; the connection is closed');
        peer.socket.destroy();
        return;
      }
      const word = this.#options.witness.answer(request);
      if (typeof word === 'string') said += answerLine({ number: request.number, word });
      else void this.#answerLater(peer, request.number, word);
    }
    if (peer.atWork >= requestsMax) peer.socket.pause();
    if (said !== '') say(peer.socket, said);
  }

  async #answerLater(peer: Peer, number: number, word: Promise<WitnessWord>): Promise<void> {
    peer.atWork += 1;
    say(peer.socket, answerLine({ number, word: await word }));
    peer.atWork -= 1;
    if (!peer.socket.isPaused()) return;
    peer.socket.resume();
    this.#take(peer);
  }
}

interface Peer {
  readonly socket: Socket;
  readonly input: ReceiveBuffer;
  /** Its requests that are not answered yet. */
  atWork: number;
}

function say(socket: Socket, lines: string): void {
  if (!socket.writable) return;
  socket.write(lines);
  if (socket.writableLength > unreadBytesMax) socket.destroy();
}
