/**
 * The server side of SMTP and of LMTP, which is a flavour of it (RFC 5321, RFC 2033, RFC 2920):
 * bytes in, events out, answers in, bytes out. It reads no clock and no socket, and knows nothing
 * of what becomes of a message.
 *
 * The legal paths:
 *
 *   new ─greet─▶ connected ─EHLO─▶ ready ─MAIL─▶ transaction ─DATA─▶ data-asked ─354─▶ data
 *                                    ▲  ◀─RSET, EHLO, MAIL refused─┘  ◀─refused─┘        │
 *                                    └───────────answered─────────── end-of-data ◀──dot──┘
 *
 * QUIT and a hang-up of ours lead from everywhere to closing, and
 * from there to closed once all asks are answered. A transaction is open from the positive answer
 * to MAIL; each that is open ends with `end-of-data`, with `reset` or with a negative answer to
 * DATA, and with only one of them.
 *
 * Who drives it calls `receive`, then `next` until it returns 'need-data' (receive more) or
 * 'paused' (answer what was asked), and writes `takeOutput` in between. MAIL and the RCPTs behind
 * it come without waiting for each other's answers; everything else waits for all of them.
 */

import { assert } from '../../assert.ts';
import type { Client, Path } from '../../envelope.ts';
import { ReceiveBuffer } from '../receive-buffer.ts';
import { DataDecoder } from './data.ts';
import { type Reply, reply } from './reply.ts';
import { ReplyQueue } from './reply-queue.ts';
import {
  type CommandLine,
  type CommandState,
  type Decision,
  commandIn,
  decide,
  mayGoAhead,
} from './server-commands.ts';
import type { ServerEvent, ServerSessionOptions } from './server-contract.ts';
import { type Given, ServerTransaction } from './server-transaction.ts';

export type { ServerEvent, ServerSessionOptions } from './server-contract.ts';

type State =
  | CommandState
  | { readonly name: 'new' | 'end-of-data' | 'closed' }
  | { readonly name: 'data-asked'; readonly transaction: ServerTransaction }
  | {
      readonly name: 'data';
      readonly transaction: ServerTransaction;
      readonly decoder: DataDecoder;
    }
  | { readonly name: 'closing'; readonly transaction: ServerTransaction | undefined };

interface Ask {
  readonly type: 'mail' | 'rcpt' | 'data' | 'end-of-data';
  readonly transaction: ServerTransaction;
}

type Step = ServerEvent | 'need-data' | 'paused' | 'again';

const startContent = reply(354, undefined, 'End data with <CR><LF>.<CR><LF>');

export class ServerSession {
  readonly #options: ServerSessionOptions;
  readonly #input: ReceiveBuffer;
  readonly #replies = new ReplyQueue<Ask>();
  #state: State = { name: 'new' };
  /** What XFORWARD said for the next transaction. */
  #client: Client = {};
  /** A command that waits for answers. */
  #held: CommandLine | undefined;
  #content: Buffer[] = [];
  #commands = 0;
  #mistakesInARow = 0;

  constructor(options: ServerSessionOptions) {
    this.#options = options;
    this.#input = new ReceiveBuffer(options.limits.commandBytesMax);
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  /** Bytes received and not consumed: who receives while it is 'paused' must keep an eye on them. */
  get backlog(): number {
    return this.#input.length;
  }

  greet(): void {
    assert(this.#state.name === 'new', 'a session is greeted once');
    this.#state = { name: 'connected' };
    const protocol = this.#options.flavour === 'lmtp' ? 'LMTP' : 'ESMTP';
    this.#replies.say(reply(220, undefined, `${this.#options.hostname} ${protocol}`));
  }

  /**
   * Says `answer` (a 421) out of turn and closes: in place of the greeting, to a peer that was
   * silent for too long, or because of a fault of ours. What was asked needs no answer any more.
   */
  refuse(answer: Reply): void {
    if (isOver(this.#state)) return;
    this.#replies.abandon();
    this.#hangUp(answer);
  }

  receive(bytes: Buffer): void {
    if (!isOver(this.#state)) this.#input.push(bytes);
  }

  /** The next event; 'paused' while answers are due, 'need-data' when more input is. */
  next(): ServerEvent | 'need-data' | 'paused' {
    for (;;) {
      const step = this.#step(this.#state);
      if (step !== 'again') return step;
    }
  }

  /**
   * Answers the oldest event that has no answer yet; see ServerEvent. What comes after the session
   * has hung up on the peer is dropped.
   */
  answer(given?: Given): void {
    const ask = this.#replies.oldest;
    if (ask === undefined && isOver(this.#state)) return;
    assert(ask !== undefined, 'an answer belongs to an event');
    switch (ask.type) {
      case 'mail':
        this.#replies.answer([ask.transaction.answerMail(given)]);
        if (!ask.transaction.open) this.#backToReady();
        break;
      case 'rcpt':
        this.#replies.answer([ask.transaction.answerRecipient(given)]);
        break;
      case 'data':
        if (given === undefined) this.#startContent(ask.transaction);
        else this.#endTransaction([ask.transaction.refuseData(given)]);
        break;
      case 'end-of-data':
        this.#endTransaction(ask.transaction.answerContent(this.#options.flavour, given));
        break;
    }
  }

  /** Reply bytes to write now, in order; each is handed out once. */
  takeOutput(): Buffer[] {
    return this.#replies.takeOutput();
  }

  #step(state: State): Step {
    switch (state.name) {
      case 'new':
      case 'data-asked':
      case 'end-of-data':
        return 'paused';
      case 'connected':
      case 'ready':
      case 'transaction':
        return this.#readCommand(state);
      case 'data':
        return this.#readContent(state.transaction, state.decoder);
      case 'closing':
        if (this.#replies.oldest !== undefined) return 'paused';
        this.#state = { name: 'closed' };
        return state.transaction?.open ? { type: 'reset' } : 'again';
      case 'closed':
        return { type: 'close' };
    }
  }

  #readCommand(state: CommandState): Step {
    if (this.#held === undefined) {
      const line = this.#input.readLine();
      if (line === undefined) return 'need-data';
      this.#held = commandIn(line);
    }
    const view = { options: this.#options, state };
    if (this.#replies.oldest !== undefined && !mayGoAhead(view, this.#held)) return 'paused';
    const held = this.#held;
    this.#held = undefined;
    this.#commands += 1;
    if (this.#commands > this.#options.limits.sessionCommandsMax) {
      return this.#hangUp(reply(421, '4.7.0', 'Too many commands'));
    }
    return this.#apply(state, decide(view, held));
  }

  #apply(state: CommandState, decision: Decision): Step {
    this.#mistakesInARow = decision.kind === 'mistake' ? this.#mistakesInARow + 1 : 0;
    if (this.#mistakesInARow > this.#options.limits.sessionErrorsMax) {
      return this.#hangUp(reply(421, '4.7.0', 'Too many errors'));
    }
    switch (decision.kind) {
      case 'mistake':
      case 'reply':
        this.#replies.say(decision.reply);
        return 'again';
      case 'hang-up':
        return this.#hangUp(decision.reply);
      case 'hello':
      case 'reset':
        return this.#reset(state, decision);
      case 'xforward':
        this.#client = { ...this.#client, ...decision.client };
        this.#replies.say(decision.reply);
        return 'again';
      case 'mail':
        return this.#askMail(decision.path);
      case 'rcpt':
        decision.transaction.askRecipient();
        return this.#ask({ type: 'rcpt', path: decision.path }, decision.transaction);
      case 'data':
        this.#state = { name: 'data-asked', transaction: decision.transaction };
        return this.#ask({ type: 'data' }, decision.transaction);
    }
  }

  #ask(event: Extract<ServerEvent, { type: Ask['type'] }>, transaction: ServerTransaction): Step {
    this.#replies.ask({ type: event.type, transaction });
    return event;
  }

  #askMail(path: Path): Step {
    const transaction = new ServerTransaction(path);
    this.#state = { name: 'transaction', transaction };
    return this.#ask({ type: 'mail', client: this.#client, path }, transaction);
  }

  #startContent(transaction: ServerTransaction): void {
    const { bareCr, limits } = this.#options;
    const decoder = new DataDecoder({ bareCr, messageBytesMax: limits.messageBytesMax });
    this.#state = { name: 'data', transaction, decoder };
    this.#replies.answer([startContent]);
  }

  #endTransaction(replies: readonly Reply[]): void {
    this.#replies.answer(replies);
    this.#client = {};
    this.#backToReady();
  }

  /** Unless the session is closing meanwhile. */
  #backToReady(): void {
    if (!isOver(this.#state)) this.#state = { name: 'ready' };
  }

  #readContent(transaction: ServerTransaction, decoder: DataDecoder): Step {
    const bytes = this.#content.shift();
    if (bytes !== undefined) return { type: 'content', bytes };
    if (decoder.ended) {
      this.#state = { name: 'end-of-data' };
      return this.#ask({ type: 'end-of-data', violations: decoder.violations }, transaction);
    }
    if (this.#input.length === 0) return 'need-data';
    const { slices, used } = decoder.decode(this.#input.peek());
    this.#input.consume(used);
    this.#content = [...slices];
    return 'again';
  }

  #reset(state: CommandState, decision: Extract<Decision, { kind: 'hello' | 'reset' }>): Step {
    const greeted = decision.kind === 'hello' || state.name !== 'connected';
    this.#state = { name: greeted ? 'ready' : 'connected' };
    this.#client = {};
    this.#replies.say(decision.reply);
    return state.name === 'transaction' ? { type: 'reset' } : 'again';
  }

  #hangUp(answer: Reply): Step {
    this.#replies.say(answer);
    return this.#endOfInput();
  }

  #endOfInput(): Step {
    const transaction = 'transaction' in this.#state ? this.#state.transaction : undefined;
    this.#state = { name: 'closing', transaction };
    this.#input.consume(this.#input.length);
    return 'again';
  }
}

function isOver({ name }: State): boolean {
  return name === 'closing' || name === 'closed';
}
