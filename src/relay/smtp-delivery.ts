/**
 * One message on its way to the next hop: which connection it goes by, what is done again when that
 * one is dropped, and what the answers mean for the message.
 *
 * Nothing is handed over before the final dot, so up to it a dropped connection costs nothing but
 * another one; from it on the next hop's answer is all that counts.
 */
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Path } from '../envelope.ts';
import { cancelCause } from '../errors.ts';
import type { Flavour } from '../protocol/smtp/client-session.ts';
import type { Answer, Connection, Loss } from './connection.ts';
import type { Delivery, Opening, RelayResult } from './next-hop.ts';
import {
  type EnvelopeAnswer,
  isAccepted,
  isRefused,
  NextHopTransaction,
} from './next-hop-transaction.ts';

/** Where connections come from, and where they go when they can serve again. */
export interface Connections {
  readonly flavour: Flavour;
  /** An idle connection, if there is one. It may have died unseen. */
  reuse(): Connection | undefined;
  connect(): Connection;
  /** Takes a connection back on which nothing is under way. */
  release(connection: Connection): void;
}

/** A recipient that our peer has named. */
interface Recipient {
  readonly path: Path;
  /** On the connection where it was named last. */
  answer: Promise<EnvelopeAnswer>;
}

export class SmtpDelivery implements Delivery {
  readonly mail: Promise<RelayResult>;
  readonly #opening: Opening;
  readonly #connections: Connections;
  /** Those that can call it off: one for the whole delivery, one for `send`. */
  readonly #signals: CancelSignal[] = [];
  #current: NextHopTransaction;
  /** Those that are named on `#current`, and would be on a connection in its place; as they came. */
  #recipients: Recipient[] = [];
  /** What our peer is told of each recipient, in the order in which they came. */
  readonly #told = new Map<Recipient, Promise<EnvelopeAnswer>>();
  /** The answer to MAIL. */
  readonly #opened: Promise<EnvelopeAnswer>;
  /** The one time that the connection is replaced while recipients are named; why it failed. */
  #reopened: Promise<Loss | undefined> | undefined;
  #calledOff = false;
  #state: 'envelope' | 'sending' | 'over' = 'envelope';

  constructor(opening: Opening, connections: Connections, signal: CancelSignal) {
    this.#opening = opening;
    this.#connections = connections;
    const reused = connections.reuse();
    this.#current = new NextHopTransaction(reused ?? connections.connect(), opening);
    this.#heed(signal);
    this.#opened = this.#open(reused !== undefined);
    this.mail = this.#opened.then(resultOf);
  }

  async recipient(path: Path): Promise<RelayResult> {
    assert(this.#state === 'envelope', 'recipients come before send and abort');
    const recipient = { path, answer: this.#current.recipient(path) };
    this.#recipients.push(recipient);
    const told = this.#answerTo(recipient);
    this.#told.set(recipient, told);
    return resultOf(await told);
  }

  async send(
    content: () => AsyncIterable<Buffer>,
    signal: CancelSignal,
    only?: readonly Path[],
  ): Promise<readonly RelayResult[]> {
    assert(this.#state === 'envelope', 'a message is sent once');
    this.#state = 'sending';
    this.#heed(signal);
    try {
      const accepted = await this.#accepted();
      this.#recipients = accepted.filter(({ path }) => only?.includes(path) ?? true);
      assert(this.#recipients.length > 0, 'there is a recipient to send to');
      return await this.#send(content, this.#recipients.length < accepted.length);
    } catch (error) {
      this.#callOff('failed on our side');
      throw error;
    } finally {
      this.#end();
    }
  }

  abort(): void {
    const { connection } = this.#current;
    const { phase } = connection;
    const idle = this.#state === 'envelope' && (phase === 'open' || phase === 'envelope');
    if (this.#state === 'over') return;
    this.#calledOff = true;
    this.#end();
    if (idle) void this.#giveBack(connection);
    else this.#callOff('given up');
  }

  /** MAIL, and again on another connection when it is lost with one that was idle before. */
  async #open(reused: boolean): Promise<EnvelopeAnswer> {
    const mail = await this.#current.mail;
    if (!reused || !this.#mayReopen(mail)) return mail;
    this.#replace();
    return this.#current.mail;
  }

  async #answerTo(recipient: Recipient): Promise<EnvelopeAnswer> {
    const mail = await this.#opened;
    if (!isAccepted(mail)) return mail;
    const answer = await recipient.answer;
    // Recipients that are lost together are named again together.
    if (this.#mayReopen(answer)) this.#reopened ??= this.#reopen(answer);
    return (await this.#reopened) ?? recipient.answer;
  }

  #mayReopen(answer: EnvelopeAnswer): answer is Loss {
    return answer.kind === 'lost' && answer.cause === 'dropped' && !this.#calledOff;
  }

  /**
   * Goes on by another connection. What was refused is not named there again, what was not answered
   * is asked anew, and what was accepted has to be accepted again: our peer may have been told so.
   *
   * @returns why the delivery has failed, and that for good.
   */
  async #reopen(loss: Loss): Promise<Loss | undefined> {
    // All of them have been answered, by the next hop or by the loss.
    const answers = await Promise.all(this.#recipients.map(({ answer }) => answer));
    if (this.#calledOff) return loss;
    const answerAt = (index: number) => answers[index] ?? loss;
    const accepted = this.#recipients.filter((_, index) => isAccepted(answerAt(index)));
    this.#recipients = this.#recipients.filter((_, index) => !isRefused(answerAt(index)));
    this.#replace();
    return this.#replayed(accepted, loss);
  }

  async #replayed(accepted: readonly Recipient[], loss: Loss): Promise<Loss | undefined> {
    const { connection, mail } = this.#current;
    const answers = await Promise.all([mail, ...accepted.map(({ answer }) => answer)]);
    const failure = answers.find((answer) => !isAccepted(answer));
    if (failure === undefined) return undefined;
    // A delivery that was given up has given its connection back already.
    if (!this.#calledOff) connection.quit();
    const detail = `${loss.detail}, then ${detailOf(failure)}`;
    return { kind: 'lost', cause: 'refused', detail };
  }

  /** Begins anew on another connection, with the same recipients in the same order. */
  #replace(): void {
    const current = new NextHopTransaction(this.#connections.connect(), this.#opening);
    this.#current = current;
    for (const recipient of this.#recipients) recipient.answer = current.recipient(recipient.path);
  }

  async #accepted(): Promise<Recipient[]> {
    const accepted: Recipient[] = [];
    for (const [recipient, told] of this.#told) {
      if (isAccepted(await told)) accepted.push(recipient);
    }
    return accepted;
  }

  async #send(content: () => AsyncIterable<Buffer>, anew: boolean): Promise<RelayResult[]> {
    // RFC 2033 §4.2: an answer for each accepted recipient, where SMTP has one for all.
    const count = this.#connections.flavour === 'lmtp' ? this.#recipients.length : 1;
    const same = (answer: Answer) => Array.from({ length: count }, () => resultOf(answer));
    const data = await this.#data(anew);
    const { connection } = this.#current;
    if (data.kind === 'lost') return same(data);
    if (data.reply.code !== 354) {
      void this.#giveBack(connection);
      return same(data);
    }
    const loss = await this.#content(content);
    if (loss) return same(loss);
    // The rule that all else serves: an abort has dropped the connection, so it is no longer here.
    assert(!this.#signals.some(({ aborted }) => aborted), 'no dot is sent after an abort');
    const answers = await Promise.all(connection.endOfData(count));
    if (answers.every(isAnswered)) this.#connections.release(connection);
    else connection.quit();
    return answers.map(afterDot);
  }

  /**
   * DATA, and again on another connection when this one was dropped while it was idle.
   *
   * @param anew the envelope that was said names too many recipients.
   */
  async #data(anew: boolean): Promise<Answer> {
    const failure = (await this.#reopened) ?? (anew ? await this.#sayAnew() : undefined);
    if (failure) return failure;
    const data = await this.#current.connection.say('DATA');
    if (!this.#mayReopen(data)) return data;
    return (await this.#reopen(data)) ?? this.#current.connection.say('DATA');
  }

  async #sayAnew(): Promise<Loss | undefined> {
    void this.#giveBack(this.#current.connection);
    this.#replace();
    const detail = 'the envelope was said anew';
    return this.#replayed(this.#recipients, { kind: 'lost', cause: 'dropped', detail });
  }

  /** @returns why the content did not go out whole. */
  async #content(content: () => AsyncIterable<Buffer>): Promise<Loss | undefined> {
    const { connection } = this.#current;
    try {
      for await (const chunk of content()) {
        await connection.content(chunk);
        if (connection.loss) return connection.loss;
      }
    } catch (error) {
      if (connection.loss === undefined) throw error;
    }
    return connection.loss;
  }

  /** Ends a transaction whose content was not sent, so that its connection can serve again. */
  async #giveBack(connection: Connection): Promise<void> {
    const reset = await connection.say('RSET');
    if (isAccepted(reset)) this.#connections.release(connection);
    else connection.quit();
  }

  #heed(signal: CancelSignal): void {
    this.#signals.push(signal);
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#callOff(`cancelled: ${cancelCause(signal)}`);
  }

  readonly #onAbort = (): void => {
    const signal = this.#signals.find(({ aborted }) => aborted);
    if (signal) this.#callOff(`cancelled: ${cancelCause(signal)}`);
  };

  #callOff(detail: string): void {
    this.#calledOff = true;
    this.#current.connection.callOff(detail);
  }

  #end(): void {
    this.#state = 'over';
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
  }
}

/** After 421 a connection is as good as closed. */
function isAnswered(answer: Answer): boolean {
  return answer.kind === 'reply' && answer.reply.code !== 421;
}

function resultOf(answer: EnvelopeAnswer): RelayResult {
  if (answer.kind !== 'lost') return answer;
  const { reply, detail } = answer;
  return reply ? { kind: 'reply', reply } : { kind: 'unreachable', detail };
}

function afterDot(answer: Answer): RelayResult {
  return answer.kind === 'lost' ? { kind: 'unknown', detail: answer.detail } : answer;
}

function detailOf(answer: EnvelopeAnswer): string {
  if (answer.kind === 'lost') return answer.detail;
  return answer.kind === 'lacks' ? `lacks ${answer.extension}` : String(answer.reply.code);
}
