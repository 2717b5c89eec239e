/** A client of a listener for tests: says bytes, hears words. It knows nothing else of a protocol. */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';

/** So many at each end of what is said go one by one; what lies between goes at once. */
const octetsMax = 1000;

/** The first thing that was said whole, as it was and in short; undefined while it is not whole. */
export type Ear = (unread: string) => { readonly whole: string; readonly said: string } | undefined;

/** `250 first / second`: the code of the last line and the texts of all. */
export const smtpEar: Ear = (unread) => {
  const [whole, code] = /^(?:\d{3}-.*\r\n)*(\d{3}) .*\r\n/.exec(unread) ?? [];
  if (whole === undefined) return undefined;
  const texts = whole.trimEnd().split('\r\n');
  const said = `${code ?? ''} ${texts.map((line) => line.slice(4)).join(' / ')}`;
  return { whole, said };
};

/** A frame's letter and data. */
export const milterEar: Ear = (unread) => {
  const bytes = Buffer.from(unread, 'latin1');
  const length = bytes.length < 4 ? Infinity : bytes.readUInt32BE();
  if (bytes.length < 4 + length) return undefined;
  const whole = unread.slice(0, 4 + length);
  return { whole, said: whole.slice(4) };
};

/** What stands behind `action=`. */
export const policyEar: Ear = (unread) => {
  const [whole, said] = /^action=(.*)\n\n/.exec(unread) ?? [];
  return whole === undefined || said === undefined ? undefined : { whole, said };
};

export class Client {
  readonly #socket: Socket;
  readonly #octetwise: boolean;
  readonly #ear: Ear;
  #unread = '';
  /** What was said whole and nobody has asked for yet. */
  readonly heard: string[] = [];
  /** Everything that came, as it came. */
  transcript = '';
  /** The server has closed. */
  ended = false;

  static async connect(
    options: NetConnectOpts,
    octetwise = false,
    ear: Ear = smtpEar,
  ): Promise<Client> {
    const socket = connect({ ...options, noDelay: true });
    await once(socket, 'connect');
    return new Client(socket, octetwise, ear);
  }

  private constructor(socket: Socket, octetwise: boolean, ear: Ear) {
    this.#socket = socket;
    this.#ear = ear;
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

  #read(): void {
    for (let next = this.#ear(this.#unread); next; next = this.#ear(this.#unread)) {
      this.#unread = this.#unread.slice(next.whole.length);
      this.heard.push(next.said);
    }
  }
}
