import type { CancelSignal } from '../cancel-signal.ts';
import { inSituation, type Answer } from '../engine/answer.ts';
import type { Engine } from '../engine/engine.ts';
import type { Transaction } from '../engine/transaction.ts';
import { assert } from '../assert.ts';
import type { Violations } from '../protocol/smtp/data.ts';
import { reply, type Reply } from '../protocol/smtp/reply.ts';
import type { ServerEvent, ServerSession } from '../protocol/smtp/server-session.ts';
import type { Handler } from './drive.ts';
import { render } from './render.ts';

/** RFC 5321 §3.8: 421 says that the connection closes, whatever was asked. */
const idleReply = reply(421, '4.4.2', 'Idle for too long, closing connection');
export const stoppingReply = reply(421, '4.3.2', 'System going down, closing connection');
const faultReply = reply(421, '4.3.0', 'Internal error, closing connection');

export interface SmtpHandlerOptions {
  /** The engine for the next transaction; a reload of the configuration may change it. */
  readonly engine: () => Engine;
  readonly stopping: CancelSignal;
  /** Told of what should be impossible, with its stack. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The SMTP and LMTP door: hands the events of a session to a transaction, one after the other, and
 * its answers back. MAIL and RCPT are answered when the next hop has spoken, in their order, while
 * further RCPTs are already on their way (RFC 2920).
 */
export class SmtpHandler implements Handler<ServerEvent> {
  readonly #session: ServerSession;
  readonly #options: SmtpHandlerOptions;
  #transaction: Transaction | undefined;
  #answers: Promise<void> | undefined;

  constructor(session: ServerSession, options: SmtpHandlerOptions) {
    this.#session = session;
    this.#options = options;
  }

  handle(event: ServerEvent): Promise<void> | undefined {
    switch (event.type) {
      case 'mail':
        this.#transaction = this.#options.engine().begin(event.client, event.path);
        this.#answerWith(this.#transaction.open());
        return undefined;
      case 'rcpt':
        this.#answerWith(this.#current().recipient(event.path));
        return undefined;
      case 'data':
        this.#answerData();
        return undefined;
      case 'content':
        return this.#current().write(event.bytes);
      case 'end-of-data':
        return this.#finish(event.violations);
      case 'reset':
        this.gone();
        return undefined;
      case 'close':
        return undefined;
    }
  }

  get atWork(): boolean {
    return this.#transaction?.over === false;
  }

  answered(): Promise<void> | undefined {
    return this.#answers;
  }

  gone(): void {
    this.#transaction?.abandon();
    this.#transaction = undefined;
  }

  silent(overdue: boolean): void {
    const stopping = this.#options.stopping.aborted;
    // While the daemon drains, a message that is still arriving gets its 451 at its final dot.
    if (stopping && this.atWork && !overdue) return;
    this.#session.refuse(stopping ? stoppingReply : idleReply);
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
    this.#session.refuse(faultReply);
  }

  /** The daemon's drain time is over. */
  shutDown(): void {
    this.#transaction?.shutDown();
  }

  #current(): Transaction {
    assert(this.#transaction, 'the session lets nothing but MAIL come before MAIL');
    return this.#transaction;
  }

  #answerData(): void {
    const refusal = this.#current().data();
    if (refusal) this.#transaction = undefined;
    this.#session.answer(refusal && this.#render(refusal));
  }

  async #finish(violations: Violations): Promise<void> {
    const answers = await this.#current()
      .finish(violations)
      .catch((error: unknown) => this.#impossible(error));
    this.#transaction = undefined;
    const said = answers.length > 0 ? answers : [inSituation('deferred')];
    this.#session.answer(said.map((answer) => this.#render(answer)));
  }

  /** Gives the answer when it is there and all earlier ones have been given. */
  #answerWith(pending: Promise<Answer | undefined>): void {
    const earlier = this.#answers;
    const answering = this.#settle(pending, earlier).finally(() => {
      if (this.#answers === answering) this.#answers = undefined;
    });
    this.#answers = answering;
  }

  async #settle(
    pending: Promise<Answer | undefined>,
    earlier: Promise<void> | undefined,
  ): Promise<void> {
    const answer = await pending.catch((error: unknown) => this.#impossible(error)[0]);
    await earlier;
    this.#session.answer(this.#render(answer ?? inSituation('deferred')));
  }

  #impossible(error: unknown): Answer[] {
    this.#options.onFault(error);
    return [inSituation('impossible')];
  }

  #render(answer: Answer): Reply {
    return render(answer, this.#options.engine().door.position);
  }
}
