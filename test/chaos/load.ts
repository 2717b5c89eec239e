/** Sends the messages of a scenario, and remembers those that Postfix has accepted. */
import { setTimeout as delay } from 'node:timers/promises';
import { submit } from '../support/submit.ts';
import { chaosMessage, type ChaosMessage } from './message.ts';

export interface LoadOptions {
  /** Every how manyth message carries EICAR; 0: none. */
  readonly infectedEvery?: number;
  /** Connections at once. */
  readonly sessions?: number;
}

export interface Accepted extends ChaosMessage {
  /** When it was answered 250, by `performance.now()`. */
  readonly acceptedAt: number;
}

export class Load {
  /** What was answered 250. */
  readonly accepted: Accepted[] = [];
  readonly #port: number;
  readonly #name: string;
  #serial = 0;

  /** @param name part of each Message-ID. */
  constructor(port: number, name: string) {
    this.#port = port;
    this.#name = name;
  }

  /** Resolves when `count` more messages have been accepted. */
  send(count: number, { infectedEvery = 0, sessions = 4 }: LoadOptions = {}): Promise<void> {
    let left = count;
    const session = async (): Promise<void> => {
      while (left-- > 0) await this.#sendOne(infectedEvery);
    };
    const all = Promise.all(Array.from({ length: Math.min(sessions, count) }, session));
    const sent = all.then(() => undefined);
    // Scenarios do other things before they wait for it.
    sent.catch(() => undefined);
    return sent;
  }

  /** One more every so many milliseconds while `act` goes on; resolves when all have been accepted. */
  async during(
    act: () => Promise<void>,
    { everyMs, infectedEvery = 0 }: { everyMs: number; infectedEvery?: number },
  ): Promise<void> {
    const over = new AbortController();
    const acting = act().finally(() => {
      over.abort();
    });
    const all: Promise<unknown>[] = [];
    // What fails is told at the end.
    const keep = (one: Promise<unknown>): void => {
      one.catch(() => undefined);
      all.push(one);
    };
    keep(acting);
    while (!over.signal.aborted) {
      keep(this.#sendOne(infectedEvery));
      await delay(everyMs);
    }
    await Promise.all(all);
  }

  /** Every third has two recipients. */
  async #sendOne(infectedEvery: number): Promise<void> {
    const serial = ++this.#serial;
    const recipients = serial % 3 === 0 ? ['ben@sink.test', 'carl@sink.test'] : ['ben@sink.test'];
    const infected = infectedEvery > 0 && serial % infectedEvery === 0;
    const message = chaosMessage(`${serial}.${this.#name}`, recipients, infected);
    const to = recipients.map((recipient) => `<${recipient}>`);
    const [reply] = await submit(this.#port, {
      from: '<anna@client.test>',
      to,
      data: message.data,
    });
    if (reply?.startsWith('250') !== true) throw new Error(`Postfix answered ${reply ?? ''}`);
    this.accepted.push({ ...message, acceptedAt: performance.now() });
  }
}
