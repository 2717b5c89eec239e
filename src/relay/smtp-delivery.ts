/**
 * One message on its way to the next hop: which connection it goes by, what is done again when that
 * one is dropped, and what the answers mean for the message.
 *
 * Nothing is handed over before the final dot, so up to it a dropped connection costs nothing but
 * another one; from it on the next hop's answer is all that counts.
 */
import { assert } from '../assert.ts';
import type { Path } from '../envelope.ts';
import { cancelCause } from '../errors.ts';
import type { Flavour } from '../protocol/smtp/client-session.ts';
import type { Answer, Connection, Loss } from './connection.ts';
import type { Delivery, Opening, RelayResult } from './next-hop.ts';
import { type EnvelopeAnswer, isAccepted, NextHopTransaction } from './next-hop-transaction.ts';

/** Where connections come from, and where they go when they can serve again. */
export interface Connections {
  readonly flavour: Flavour;
  /** An idle connection, if there is one. It may have died unseen. */
  reuse(): Connection | undefined;
  connect(): Connection;
  /** Takes a connection back on which nothing is under way. */
  release(connection: Connection): void;
}

export class SmtpDelivery implements Delivery {
  readonly mail: Promise<RelayResult>;
  readonly #opening: Opening;
  readonly #connections: Connections;
  /** Those that can call it off: one for the whole delivery, one for `send`. */
  readonly #signals: AbortSignal[] = [];
  readonly #paths: Path[] = [];
  #current: NextHopTransaction;
  /** The transaction whose MAIL was answered, once it was. */
  readonly #opened: Promise<NextHopTransaction>;
  #calledOff = false;
  #state: 'envelope' | 'sending' | 'over' = 'envelope';

  constructor(opening: Opening, connections: Connections, signal: AbortSignal) {
    this.#opening = opening;
    this.#connections = connections;
    const reused = connections.reuse();
    this.#current = this.#begin(reused ?? connections.connect(), []);
    this.#heed(signal);
    this.#opened = this.#open(reused !== undefined);
    this.mail = this.#opened.then(async ({ mail }) => resultOf(await mail));
  }

  async recipient(path: Path): Promise<RelayResult> {
    assert(this.#state === 'envelope', 'recipients come before send and abort');
    const index = this.#paths.push(path) - 1;
    this.#current.recipient(path);
    const { recipients } = await this.#opened;
    const answer = await recipients[index];
    assert(answer, 'every recipient has an answer');
    return resultOf(answer);
  }

  async send(
    content: () => AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<readonly RelayResult[]> {
    assert(this.#state === 'envelope', 'a message is sent once');
    this.#state = 'sending';
    this.#heed(signal);
    try {
      const accepted = await this.#accepted();
      assert(accepted.length > 0, 'there is a recipient to send to');
      return await this.#send(content, accepted);
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
    this.#end();
    if (idle) void this.#giveBack(connection);
    else this.#callOff('given up');
  }

  /** A reused connection that was dropped before MAIL was answered is replaced, unseen. */
  async #open(reused: boolean): Promise<NextHopTransaction> {
    const mail = await this.#current.mail;
    if (reused && this.#mayReopen(mail)) {
      this.#current = this.#begin(this.#connections.connect(), this.#paths);
      await this.#current.mail;
    }
    return this.#current;
  }

  #begin(connection: Connection, recipients: readonly Path[]): NextHopTransaction {
    return new NextHopTransaction(connection, this.#opening, recipients);
  }

  #mayReopen(answer: EnvelopeAnswer): answer is Loss {
    return answer.kind === 'lost' && answer.cause === 'dropped' && !this.#calledOff;
  }

  async #accepted(): Promise<Path[]> {
    const { recipients } = await this.#opened;
    const answers = await Promise.all(recipients);
    return this.#paths.filter((_, index) => {
      const answer = answers[index];
      return answer !== undefined && isAccepted(answer);
    });
  }

  async #send(
    content: () => AsyncIterable<Buffer>,
    accepted: readonly Path[],
  ): Promise<RelayResult[]> {
    // RFC 2033 §4.2: an answer for each accepted recipient, where SMTP has one for all.
    const count = this.#connections.flavour === 'lmtp' ? accepted.length : 1;
    const same = (answer: Answer) => Array.from({ length: count }, () => resultOf(answer));
    const data = await this.#data(accepted);
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

  /** The answer to DATA, on another connection if this one was dropped while it was idle. */
  async #data(accepted: readonly Path[]): Promise<Answer> {
    const data = await this.#current.connection.say('DATA');
    if (!this.#mayReopen(data)) return data;
    this.#current = this.#begin(this.#connections.connect(), accepted);
    const { connection, recipients } = this.#current;
    const refusal = (await Promise.all(recipients)).find((answer) => !isAccepted(answer));
    if (refusal === undefined) return connection.say('DATA');
    connection.quit();
    const detail = `${data.detail}, then ${detailOf(refusal)}`;
    return { kind: 'lost', cause: 'refused', detail };
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

  #heed(signal: AbortSignal): void {
    this.#signals.push(signal);
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#callOff(`cancelled: ${cancelCause(signal)}`);
  }

  readonly #onAbort = (event: Event): void => {
    const { target } = event;
    if (target instanceof AbortSignal) this.#callOff(`cancelled: ${cancelCause(target)}`);
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
