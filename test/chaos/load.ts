/**
 * Sends the messages of a scenario, and remembers those that Postfix has accepted. A patient sender,
 * told 4xx or left without a reply, sends the same message again later, as every MTA does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { submit } from '../support/submit.ts';
import { chaosMessage, type ChaosMessage } from './message.ts';

const retryMs = 500;
/** A scenario that keeps everybody out for so long is broken. */
const givesUpMs = 300_000;

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
  /** What was refused for good; only a patient sender is told so. */
  readonly refused: ChaosMessage[] = [];
  /** How often it had to try again. */
  retries = 0;
  readonly #isPatient: boolean;
  readonly #port: number;
  readonly #name: string;
  #serial = 0;

  /** @param name part of each Message-ID. */
  constructor(port: number, name: string, isPatient = false) {
    this.#isPatient = isPatient;
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
    if (this.#isPatient) await this.#deliver(message);
    else {
      const reply = await this.#submit(message);
      if (!reply.startsWith('250')) throw new Error(`Postfix answered ${reply}`);
      this.#accept(message);
    }
  }

  #accept(message: ChaosMessage): void {
    this.accepted.push({ ...message, acceptedAt: performance.now() });
  }

  async #submit({ recipients, data }: ChaosMessage): Promise<string> {
    const to = recipients.map((recipient) => `<${recipient}>`);
    const [reply = ''] = await submit(this.#port, { from: '<anna@client.test>', to, data });
    return reply;
  }

  async #deliver(message: ChaosMessage): Promise<void> {
    const end = performance.now() + givesUpMs;
    for (;;) {
      // What is said before the final dot is in the error's text.
      const reply = await this.#submit(message).catch((error: unknown) => String(error));
      const [, code = '4'] = /(?:^|was answered )([245])\d\d[ -]/.exec(reply) ?? [];
      if (code === '2') this.#accept(message);
      if (code === '5') this.refused.push(message);
      if (code !== '4') return;
      if (performance.now() > end) throw new Error(`${message.id} is still answered ${reply}`);
      this.retries++;
      await delay(retryMs);
    }
  }
}
