/**
 * One socket to a next hop, driving a client session over it: bytes, waiting times, and what the
 * loss of the connection means for every answer that was awaited. All failures are values.
 *
 * It does not know messages: smtp-delivery.ts says what is said, and in which order.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Extensions } from '../protocol/smtp/client-extensions.ts';
import {
  type ClientEvent,
  ClientSession,
  type Flavour,
  type Phase,
  type Verb,
} from '../protocol/smtp/client-session.ts';
import type { Reply } from '../protocol/smtp/reply.ts';
import { Watchdog } from '../watchdog.ts';

/** Why a connection is of no more use. */
export interface Loss {
  readonly kind: 'lost';
  /**
   * - dropped: not reached, closed, reset, or answered 421. Only this is worth another connection.
   * - silent: no answer, or nothing read, in time.
   * - nonsense: answered what cannot be an answer.
   * - refused: no service for us at all, or (with `reply`) content refused before its end.
   * - called-off: by ourselves.
   */
  readonly cause: 'dropped' | 'silent' | 'nonsense' | 'refused' | 'called-off';
  readonly detail: string;
  readonly reply?: Reply;
}

export type Answer = { readonly kind: 'reply'; readonly reply: Reply } | Loss;

export interface Patience {
  readonly clock: Clock;
  /** Connecting with the greeting, each answer before the final dot, each block of content. */
  readonly nextHopReplyMs: number;
  /** From the final dot to the last answer to it. */
  readonly nextHopDotMs: number;
}

/** How long a next hop has to close after QUIT; then we do. */
const quitMs = 2000;

export class Connection {
  /** Settles when the next hop has greeted, or the connection is lost. */
  readonly greeting: Promise<Answer>;
  readonly #socket: Socket;
  readonly #session: ClientSession;
  readonly #patience: Patience;
  /** Who waits for an answer, in the order of the commands. */
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #loss: Loss | undefined;
  #whenLost: () => void = () => undefined;
  readonly #watchdog: Watchdog;
  #flushing = false;
  /** The latest piece of content, as it is to be sent. */
  #held: readonly Buffer[] = [];

  /** @param socket connected or connecting. */
  constructor(socket: Socket, flavour: Flavour, patience: Patience) {
    this.#socket = socket;
    this.#session = new ClientSession(flavour);
    this.#patience = patience;
    this.#watchdog = new Watchdog(patience.clock);
    this.greeting = this.#answer();
    this.#watch();
    this.#listen();
  }

  get loss(): Loss | undefined {
    return this.#loss;
  }

  get phase(): Phase {
    return this.#session.phase;
  }

  get extensions(): Extensions {
    return this.#session.extensions;
  }

  /** Calls `act`, and nobody else, when the connection is lost or closed by us. */
  whenLost(act: () => void): void {
    this.#whenLost = act;
  }

  /** EHLO or LHLO. */
  hello(name: string): Promise<Answer> {
    return this.#ask(() => {
      this.#session.hello(name);
    });
  }

  /** A line of XFORWARD. Nobody is told the answer. */
  xforward(line: string): void {
    if (this.#loss === undefined) this.#session.say('XFORWARD', line);
  }

  /** Any other command line; what is said in the same tick goes out in one write, if it may. */
  say(verb: Exclude<Verb, 'XFORWARD' | 'QUIT'>, line?: string): Promise<Answer> {
    return this.#ask(() => {
      this.#session.say(verb, line);
    });
  }

  /**
   * Sends content; settles when the kernel has all pieces but this one, or the connection is lost.
   * The latest piece waits for the next or for the final dot: a small message is one write.
   */
  async content(chunk: Buffer): Promise<void> {
    if (this.#loss !== undefined) return;
    const due = this.#held;
    this.#held = this.#session.content(chunk);
    if (due.length === 0) return;
    const written = this.#write(due);
    if (this.#socket.writableLength === 0) return;
    this.#arm(this.#patience.nextHopReplyMs, 'read no content');
    await written;
    this.#watch();
  }

  /** Sends the final dot; from here on the message may be the next hop's. */
  endOfData(answers: number): readonly Promise<Answer>[] {
    const promised = Array.from({ length: answers }, () => this.#answer());
    if (this.#loss === undefined) {
      this.#socket.write(Buffer.concat([...this.#held, this.#session.endOfData(answers)]));
      this.#held = [];
      this.#arm(this.#patience.nextHopDotMs, 'gave no answer to the final dot');
    }
    return promised;
  }

  /** Drops the connection, unless the final dot was sent: then its answer is waited for. */
  callOff(detail: string): void {
    if (this.phase !== 'dot') this.#lose({ kind: 'lost', cause: 'called-off', detail });
  }

  /** Closes the connection, politely where that is possible. */
  quit(): void {
    if (this.#loss !== undefined) return;
    if (this.phase !== 'ready' || this.#session.awaited > 0) {
      this.callOff('closed');
      return;
    }
    this.#session.say('QUIT');
    this.#socket.end(this.#session.output());
    this.#settle({ kind: 'lost', cause: 'called-off', detail: 'closed' });
    this.#watchdog.set(quitMs, () => this.#socket.destroy());
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => {
      this.#receive(bytes);
    });
    socket.on('error', (error) => {
      this.#dropped(reasonOf(error));
    });
    socket.on('end', () => {
      this.#dropped('closed the connection');
    });
    socket.on('close', () => {
      this.#dropped('closed the connection');
      this.#watchdog.close();
    });
  }

  #ask(say: () => void): Promise<Answer> {
    if (this.#loss === undefined) {
      say();
      this.#flushSoon();
    }
    return this.#answer();
  }

  #answer(): Promise<Answer> {
    if (this.#loss !== undefined) return Promise.resolve(this.#loss);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#loss !== undefined) return;
    const bytes = this.#session.output();
    if (bytes.length === 0) return;
    this.#socket.write(bytes);
    this.#watch();
  }

  /** Settles when the kernel has taken the bytes, or the socket is destroyed. */
  #write(pieces: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.cork();
      for (const piece of pieces.slice(0, -1)) this.#socket.write(piece);
      this.#socket.write(pieces.at(-1) ?? '', () => {
        resolve();
      });
      this.#socket.uncork();
    });
  }

  #receive(bytes: Buffer): void {
    if (this.#loss !== undefined) return;
    const { awaited } = this.#session;
    this.#session.receive(bytes);
    for (let event = this.#session.next(); event; event = this.#session.next()) this.#take(event);
    // Only an answer shows life: a peer that drips single octets is as good as silent.
    if (this.#session.awaited < awaited) this.#watch();
    this.#flush();
  }

  #take(event: ClientEvent): void {
    switch (event.kind) {
      case 'reply':
        this.#waiting.shift()?.(event);
        break;
      case 'closing':
        this.#dropped(`said ${replyText(event.reply)}`);
        break;
      case 'early': {
        const detail = `refused the content before its end: ${replyText(event.reply)}`;
        this.#lose({ kind: 'lost', cause: 'refused', detail, reply: event.reply });
        break;
      }
      case 'nonsense':
        this.#lose({ kind: 'lost', cause: 'nonsense', detail: `nonsense: ${event.detail}` });
    }
  }

  /** The waiting time begins anew with each answer, but not between the answers to the dot. */
  #watch(): void {
    if (this.#loss !== undefined || this.phase === 'dot') return;
    if (this.#session.awaited > 0) this.#arm(this.#patience.nextHopReplyMs, 'gave no answer');
    else this.#watchdog.rest();
  }

  #arm(ms: number, complaint: string): void {
    this.#watchdog.set(ms, () => {
      this.#lose({ kind: 'lost', cause: 'silent', detail: `${complaint} in ${ms} ms` });
    });
  }

  #dropped(detail: string): void {
    this.#lose({ kind: 'lost', cause: 'dropped', detail });
  }

  #lose(loss: Loss): void {
    if (this.#loss !== undefined) return;
    this.#settle(loss);
    this.#socket.destroy();
  }

  #settle(loss: Loss): void {
    this.#loss = loss;
    this.#watchdog.rest();
    for (const resolve of this.#waiting.splice(0)) resolve(loss);
    this.#whenLost();
  }
}

/** A reply in one line, for the log. */
export function replyText({ code, enhanced, lines }: Reply): string {
  return [code, enhanced, ...lines].filter((word) => word !== undefined).join(' ');
}

/** When several addresses were tried, the error of the whole says nothing and those inside do. */
function reasonOf(error: Error): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ');
}
