/** Drives a server session as a listener would, and writes down all that comes of it. */

import { type Reply, reply } from '../../../src/protocol/smtp/reply.ts';
import {
  type ServerEvent,
  ServerSession,
  type ServerSessionOptions,
} from '../../../src/protocol/smtp/server-session.ts';

export type Answer = Reply | readonly Reply[] | undefined;

export const accept = reply(250, '2.0.0', 'OK');
export const refuse = reply(550, '5.7.1', 'No');
export const defer = reply(451, '4.3.2', 'Later');

/** Says yes to everything. */
export function yes(event: ServerEvent): Answer {
  return event.type === 'data' ? undefined : accept;
}

export const limits = {
  commandBytesMax: 200,
  sessionCommandsMax: 1000,
  sessionErrorsMax: 5,
  recipientsMax: 3,
  messageBytesMax: 1000,
};

export function newSession(options: Partial<ServerSessionOptions> = {}): ServerSession {
  return new ServerSession({
    flavour: 'smtp',
    hostname: 'gate.example',
    limits,
    xforwardAllowed: true,
    bareCr: 'pass',
    ...options,
  });
}

/** at once: each event is answered before the next is taken. late: only when nothing else goes on. */
export type Manner = 'at once' | 'late';

export interface Transcript {
  /** What happened in order; content that arrived in pieces is joined. */
  readonly events: readonly string[];
  readonly output: string;
}

export class Peer {
  readonly session: ServerSession;
  readonly #answer: (event: ServerEvent) => Answer;
  readonly #manner: Manner;
  readonly #unanswered: ServerEvent[] = [];
  #events: string[] = [];
  #output: Buffer[] = [];

  constructor(session: ServerSession, answer: (event: ServerEvent) => Answer, manner: Manner) {
    this.session = session;
    this.#answer = answer;
    this.#manner = manner;
  }

  get transcript(): Transcript {
    return { events: this.#events, output: Buffer.concat(this.#output).toString('latin1') };
  }

  send(bytes: Buffer): void {
    this.session.receive(bytes);
    this.run();
  }

  /** As when the peer was silent for too long; the 421 is not noted. */
  hangUp(): void {
    const said = this.#output.length;
    this.session.refuse(reply(421, '4.4.2', 'bye'));
    this.run();
    this.#output.splice(said);
  }

  /** To where nothing happens without more input; a driver goes no further than 'close'. */
  run(): void {
    while (this.#events.at(-1) !== 'close') {
      const event = this.session.next();
      this.#output.push(...this.session.takeOutput());
      if (typeof event === 'object') {
        this.#note(event);
      } else if (this.#unanswered.length === 0) {
        return;
      } else {
        this.#giveAnswers();
      }
    }
  }

  #note(event: ServerEvent): void {
    const text = describeEvent(event);
    const last = this.#events.at(-1);
    if (event.type === 'content' && last?.startsWith('content ')) {
      this.#events[this.#events.length - 1] = last + event.bytes.toString('latin1');
    } else {
      this.#events.push(text);
    }
    if (!['mail', 'rcpt', 'data', 'end-of-data'].includes(event.type)) return;
    this.#unanswered.push(event);
    if (this.#manner === 'at once') this.#giveAnswers();
  }

  #giveAnswers(): void {
    for (const event of this.#unanswered.splice(0)) this.session.answer(this.#answer(event));
    this.#output.push(...this.session.takeOutput());
  }
}

/** Greets, receives `pieces`, and hangs up if it still can. */
export function converse(
  pieces: readonly Buffer[],
  answer: (event: ServerEvent) => Answer,
  manner: Manner,
  options: Partial<ServerSessionOptions> = {},
): Transcript {
  const peer = new Peer(newSession(options), answer, manner);
  peer.session.greet();
  peer.run();
  for (const piece of pieces) peer.send(piece);
  peer.hangUp();
  return peer.transcript;
}

function describeEvent(event: ServerEvent): string {
  switch (event.type) {
    case 'mail': {
      const client = Object.entries(event.client).map(([name, value]) => ` ${name}=${value}`);
      return `mail <${event.path.address}>${client.join('')}`;
    }
    case 'rcpt':
      return `rcpt <${event.path.address}>`;
    case 'content':
      return `content ${event.bytes.toString('latin1')}`;
    case 'end-of-data': {
      const seen = Object.entries(event.violations).flatMap(([name, yes]) => (yes ? [name] : []));
      return ['end-of-data', ...seen].join(' ');
    }
    case 'data':
    case 'reset':
    case 'close':
      return event.type;
  }
}
