/**
 * Another client of the re-injection port, such as list software: it sends a message now and then
 * and, told 4xx, sends it again later, as every client does. A message whose reply it never heard is
 * given up and not counted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { submit } from '../support/submit.ts';
import { chaosMessage, type ChaosMessage } from './message.ts';

const everyMs = 300;
const recipient = 'dora@sink.test';

export class Bystander {
  /** What was answered 250. */
  readonly accepted: ChaosMessage[] = [];
  readonly #port: number;
  readonly #name: string;
  #goingOn = true;
  #isPatient = true;
  #done: Promise<void> | undefined;

  constructor(port: number, name: string) {
    this.#port = port;
    this.#name = name;
  }

  start(): void {
    this.#done = this.#work();
  }

  /** Resolves when its last message is accepted or given up. */
  async stop(): Promise<void> {
    this.#goingOn = false;
    await this.#done;
  }

  /** Its last message is not tried again: the filter may never come back. */
  giveUp(): void {
    this.#isPatient = false;
  }

  async #work(): Promise<void> {
    for (let serial = 1; this.#goingOn; serial++) {
      const message = chaosMessage(`${serial}.bystander.${this.#name}`, [recipient], false);
      if (await this.#deliver(message)) this.accepted.push(message);
      await delay(everyMs);
    }
  }

  /** Whether it was accepted in the end. */
  async #deliver({ data }: ChaosMessage): Promise<boolean> {
    for (;;) {
      try {
        const [reply = ''] = await submit(this.#port, {
          from: '<erna@client.test>',
          to: [`<${recipient}>`],
          data,
        });
        if (!reply.startsWith('4') || !this.#isPatient) return reply.startsWith('2');
      } catch {
        return false;
      }
      await delay(everyMs);
    }
  }
}
