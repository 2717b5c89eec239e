/**
 * Asks the witness (src/witness) what became of a message in the next hop's queue. One connection,
 * opened when it is needed and again when it broke; questions do not wait for each other. Nobody
 * there, no answer in time, nonsense: all are that there is no evidence.
 */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import { ReceiveBuffer } from '../protocol/receive-buffer.ts';
import {
  isQueueId,
  parseAnswer,
  requestLine,
  witnessLineBytesMax,
  type WitnessVerb,
  type WitnessWord,
} from '../protocol/witness/line.ts';
import type { SocketAddress } from '../socket-address.ts';
import type { QueueEvidence, QueueFate } from './evidence.ts';

export interface WitnessClientOptions {
  readonly connect: SocketAddress;
  readonly clock: Clock;
  /** For the log: there is no evidence, and why. */
  readonly onTrouble: (detail: string) => void;
}

/** smtpd waits meanwhile, and so does the sender of the message. */
const holdMs = 1000;
/** It may have to look through the log. */
const fateMs = 5000;
/** Questions that wait for their answers; more are not asked. */
const openMax = 10_000;
/** How long what is no longer needed waits for a question to travel with. */
const releaseMs = 50;
/** Such as wait at most; a witness forgets by itself, too. */
const releasesMax = 100;
/** What may wait for a witness that does not read; beyond it nothing is released. */
const unreadBytesMax = 1024 * 1024;

const fates: readonly string[] = ['committed', 'not-committed', 'undecided'];

/** `lost`: the connection broke before the answer. */
type Settle = (word: WitnessWord | 'lost' | undefined) => void;

export class WitnessClient implements QueueEvidence {
  readonly #options: WitnessClientOptions;
  readonly #open = new Map<number, Settle>();
  #socket: Socket | undefined;
  #last = 0;
  #releases: string[] = [];
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: WitnessClientOptions) {
    this.#options = options;
  }

  async hold(queueId: string): Promise<boolean> {
    const word = await this.#ask('hold', queueId, holdMs);
    if (word === 'full') this.#options.onTrouble(`it holds too many files: ${queueId} is not held`);
    return word === 'held';
  }

  async fate(queueId: string): Promise<QueueFate> {
    const word = await this.#ask('fate', queueId, fateMs);
    return word !== undefined && fates.includes(word) ? (word as QueueFate) : 'unknown';
  }

  /** Said only where there is a connection: the witness forgets by itself, too. */
  release(queueId: string): void {
    if (!this.#socket || !isQueueId(queueId) || this.#releases.length >= releasesMax) return;
    this.#releases.push(requestLine({ number: this.#nextNumber(), verb: 'release', queueId }));
    this.#timer ??= this.#options.clock.after(releaseMs, () => {
      this.#socket?.write(this.#takeReleases());
    });
  }

  /** No more is asked; what is open is not known. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
    this.#lose(this.#socket);
  }

  /** @returns undefined when there was no answer. */
  async #ask(verb: WitnessVerb, queueId: string, ms: number): Promise<WitnessWord | undefined> {
    if (!isQueueId(queueId)) return undefined;
    // An older connection may be that of a witness that has ended; then its successor is asked.
    const older = this.#socket !== undefined;
    const word = await this.#askOnce(verb, queueId, ms);
    const answer = word === 'lost' && older ? await this.#askOnce(verb, queueId, ms) : word;
    return answer === 'lost' ? undefined : answer;
  }

  #askOnce(verb: WitnessVerb, queueId: string, ms: number): Promise<Parameters<Settle>[0]> {
    const { clock, onTrouble } = this.#options;
    if (this.#closed || this.#open.size >= openMax) return Promise.resolve(undefined);
    const number = this.#nextNumber();
    return new Promise((resolve) => {
      const settle: Settle = (word) => {
        timer.cancel();
        this.#open.delete(number);
        resolve(word);
      };
      const timer = clock.after(ms, () => {
        onTrouble(`no answer to ${verb} ${queueId} in ${ms} ms`);
        settle(undefined);
      });
      this.#open.set(number, settle);
      const socket = this.#connected();
      socket.write(this.#takeReleases() + requestLine({ number, verb, queueId }));
    });
  }

  #takeReleases(): string {
    this.#timer?.cancel();
    this.#timer = undefined;
    const isHeard = this.#socket && this.#socket.writableLength <= unreadBytesMax;
    const releases = this.#releases.splice(0);
    return isHeard ? releases.join('') : '';
  }

  #nextNumber(): number {
    this.#last += 1;
    return this.#last;
  }

  /** node:net keeps what is written until the connection is there. */
  #connected(): Socket {
    if (this.#socket) return this.#socket;
    const socket = connect(this.#options.connect);
    const input = new ReceiveBuffer(witnessLineBytesMax);
    socket.on('data', (bytes: Buffer) => {
      input.push(bytes);
      for (let line = input.readLine(); line; line = input.readLine()) {
        const answer = line.kind === 'line' ? parseAnswer(line.bytes) : undefined;
        if (answer) this.#open.get(answer.number)?.(answer.word);
        else socket.destroy(new Error('what it said is no answer'));
      }
    });
    socket.on('error', ({ message }) => {
      this.#options.onTrouble(message);
    });
    // After FIN nothing more comes; an answer that was due will not.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#lose(socket);
    });
    this.#socket = socket;
    return socket;
  }

  #lose(socket: Socket | undefined): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    for (const settle of [...this.#open.values()]) settle('lost');
  }
}
