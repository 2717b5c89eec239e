/**
 * Sends messages over SMTP as Postfix's smtp(8) does: MAIL, RCPT and DATA in one write where the peer
 * has PIPELINING (RFC 2920), the content with its dot in another, and no wait for the answer to QUIT.
 * It is no client for anything but a peer that accepts all.
 */
import { connect, type Socket } from 'node:net';

const envelope = [
  'MAIL FROM:<anna@example.net>\r\n',
  'RCPT TO:<ben@example.org>\r\n',
  'DATA\r\n',
] as const;
const wholeEnvelope = envelope.join('');
const endOfData = Buffer.from('.\r\n');
/**
 * Under a flood the kernel loses a connection whose program has a short queue for them (clamsmtp's is
 * 5): the client believes that it is connected, and nobody ever greets it.
 */
const greetingMs = 1000;
const lost = new Error('nobody has greeted');

/** One connection to 127.0.0.1. */
export class SmtpLoad {
  readonly #socket: Socket;
  #received = '';
  #awaited = 0;
  #pipelines = false;
  #answered = Promise.withResolvers<string>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
      this.#look();
    });
    const fail = (error?: Error): void => {
      this.#answered.reject(error ?? new Error('the peer closed the connection'));
    };
    socket.on('error', fail).on('close', () => {
      fail();
    });
    // Nobody waits between two commands, nor after QUIT.
    this.#answered.promise.catch(() => undefined);
  }

  /**
   * Resolves when EHLO is answered.
   *
   * @param waitMs for the greeting; then the connection is given up for another one.
   */
  static async open(port: number, waitMs = greetingMs): Promise<SmtpLoad> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const load = new SmtpLoad(socket);
    const waiting = setTimeout(() => socket.destroy(lost), waitMs);
    try {
      await load.#replies(1);
    } catch (error) {
      if (error === lost) return await SmtpLoad.open(port, waitMs);
      throw error;
    } finally {
      clearTimeout(waiting);
    }
    socket.write('EHLO load.test\r\n');
    load.#pipelines = /^250[- ]PIPELINING\r$/m.test(await load.#replies(1));
    return load;
  }

  /** Resolves when the message is accepted; rejects when any answer is 4xx or 5xx. */
  async send(message: Buffer): Promise<void> {
    if (this.#pipelines) {
      this.#socket.write(wholeEnvelope);
      await this.#replies(envelope.length);
    } else await this.#oneByOne();
    this.#socket.write(Buffer.concat([message, endOfData]));
    await this.#replies(1);
  }

  async #oneByOne(): Promise<void> {
    for (const command of envelope) {
      this.#socket.write(command);
      await this.#replies(1);
    }
  }

  quit(): void {
    this.#socket.end('QUIT\r\n');
  }

  /** Resolves to all that came. */
  #replies(count: number): Promise<string> {
    this.#awaited = count;
    this.#look();
    return this.#answered.promise;
  }

  #look(): void {
    if (this.#awaited === 0) return;
    // RFC 5321 §4.2.1: a hyphen after the code says that more lines of the reply follow.
    const replies = this.#received.match(/^\d{3} .*\r\n/gm) ?? [];
    if (replies.length < this.#awaited) return;
    const refusal = replies.find((reply) => /^[45]/.test(reply));
    const { resolve, reject } = this.#answered;
    this.#answered = Promise.withResolvers();
    this.#answered.promise.catch(() => undefined);
    const received = this.#received;
    this.#received = '';
    this.#awaited = 0;
    if (refusal === undefined) resolve(received);
    else reject(new Error(`refused: ${refusal.trimEnd()}`));
  }
}
