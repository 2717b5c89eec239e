/** One session that goes on and on, and sends small texts one after the other. */
import { makerOf } from '../load/content.ts';
import type { Job } from '../load/load.ts';
import { SmtpLoad } from '../load/smtp-load.ts';

const make = makerOf('text-4k');
/** Other than those of the load, for no content may come twice. */
let serial = 10 ** 11;

export class Sender {
  readonly #connection: SmtpLoad;

  private constructor(connection: SmtpLoad) {
    this.#connection = connection;
  }

  static async open(target: Job['target']): Promise<Sender> {
    if (target.protocol !== 'smtp') throw new Error('messages are sent over SMTP');
    return new Sender(await SmtpLoad.open(target.port));
  }

  async send(messages: number): Promise<void> {
    for (let sent = 0; sent < messages; sent++) {
      await this.#connection.send(make(++serial).message);
    }
  }

  close(): void {
    this.#connection.quit();
  }
}
