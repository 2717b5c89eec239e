/** A client of a listener for tests: says bytes, hears replies. It knows no SMTP beyond a reply. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';

/** So many at each end of what is said go one by one; what lies between goes at once. */
const octetsMax = 1000;

export class Client {
  readonly #socket: Socket;
  readonly #octetwise: boolean;
  #unread = '';
  /** Whole replies that nobody has asked for yet. */
  readonly heard: string[] = [];
  /** Everything that came, as it came. */
  transcript = '';
  /** The server has closed. */
  ended = false;

  static async connect(options: NetConnectOpts, octetwise = false): Promise<Client> {
    const socket = connect({ ...options, noDelay: true });
    await once(socket, 'connect');
    return new Client(socket, octetwise);
  }

  private constructor(socket: Socket, octetwise: boolean) {
    this.#socket = socket;
    this.#octetwise = octetwise;
    socket.on('data', (bytes: Buffer) => {
      this.#unread += bytes.toString('latin1');
      this.transcript += bytes.toString('latin1');
      this.#read();
    });
    const end = (): void => {
      this.ended = true;
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  async send(bytes: Buffer): Promise<void> {
    if (!this.#octetwise) {
      if (bytes.length > 0) this.#socket.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const end =
        octetsMax < at && at < bytes.length - octetsMax ? bytes.length - octetsMax : at + 1;
      this.#socket.write(bytes.subarray(at, end));
      at = end;
      await eventLoopTurn();
    }
  }

  /** FIN. */
  close(): void {
    this.#socket.end();
  }

  /** RST; a Unix socket knows none. */
  reset(): void {
    if (this.#socket.remoteAddress === undefined) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** `250 first / second`: the code of the last line and the texts of all. */
  #read(): void {
    for (;;) {
      const [whole, code] = /^(?:\d{3}-.*\r\n)*(\d{3}) .*\r\n/.exec(this.#unread) ?? [];
      if (whole === undefined) return;
      this.#unread = this.#unread.slice(whole.length);
      const texts = whole.trimEnd().split('\r\n');
      this.heard.push(`${code ?? ''} ${texts.map((line) => line.slice(4)).join(' / ')}`);
    }
  }
}
