/**
 * Hands a message to an SMTP or LMTP server exactly as it is given, byte for byte and parameter for
 * parameter (a mail library would make both tidy), and returns what the server answered.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Submission {
  /** `<a@b.test>`, with parameters behind it if any, as in `MAIL FROM:`. */
  readonly from: string;
  /** Each as in `RCPT TO:`. */
  readonly to: readonly string[];
  /** With CRLF line ends, ending with one; dots not stuffed. */
  readonly data: Buffer;
  readonly lmtp?: boolean;
}

/** Resolves to the replies to the end of data: one over SMTP, one a recipient over LMTP. */
export async function submit(port: number, message: Submission): Promise<readonly string[]> {
  const dialogue = await Dialogue.open(port);
  try {
    await dialogue.say(`${message.lmtp === true ? 'LHLO' : 'EHLO'} client.test`, '250');
    await dialogue.say(`MAIL FROM:${message.from}`, '250');
    for (const to of message.to) await dialogue.say(`RCPT TO:${to}`, '250');
    await dialogue.say('DATA', '354');
    dialogue.write(stuffed(message.data));
    dialogue.write('.\r\n');
    const replies: string[] = [];
    const count = message.lmtp === true ? message.to.length : 1;
    while (replies.length < count) replies.push(await dialogue.reply());
    // What is said to QUIT is no longer about the message.
    dialogue.write('QUIT\r\n');
    await dialogue.reply().catch(() => undefined);
    return replies;
  } finally {
    dialogue.close();
  }
}

/** RFC 5321 §4.5.2; lines end with CRLF and nothing else. */
export function stuffed(data: Buffer): Buffer {
  return Buffer.from(data.toString('latin1').replace(/^\.|(?<=\r\n)\./g, '..'), 'latin1');
}

/** A client that says what it is told, whatever it hears. */
export class Dialogue {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #pending = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  }

  /** Resolves when it has been greeted. */
  static async open(port: number): Promise<Dialogue> {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setNoDelay();
    await once(socket, 'connect');
    const dialogue = new Dialogue(socket);
    await dialogue.expect('220').catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    return dialogue;
  }

  write(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** Without a word. */
  close(): void {
    this.#socket.destroy();
  }

  async say(command: string, code: string): Promise<void> {
    this.#socket.write(`${command}\r\n`);
    await this.expect(code, command);
  }

  async expect(code: string, command = 'the greeting'): Promise<void> {
    const reply = await this.reply();
    if (!reply.startsWith(code)) throw new Error(`${command} was answered ${reply}`);
  }

  /** One reply, of one line or several, without the last CRLF. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(this.#pending);
      if (match !== null) {
        this.#pending = this.#pending.slice(match[0].length);
        return match[0].slice(0, -2);
      }
      const next = await this.#chunks.next();
      if (next.done === true) throw new Error(`the connection ended after ${this.#pending}`);
      this.#pending += next.value.toString('latin1');
    }
  }
}
