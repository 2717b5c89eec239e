/**
 * The envelope of one message on one connection: EHLO alone and waited for, then XFORWARD, MAIL and
 * the recipients in as few writes as the next hop allows. It is run once; a second run, on another
 * connection, is another transaction, and whether there is one is for smtp-delivery.ts to say.
 */
import type { Path } from '../envelope.ts';
import {
  lackingExtension,
  mailLine,
  type NeededExtension,
  recipientLine,
} from '../protocol/smtp/client-extensions.ts';
import { isPositive } from '../protocol/smtp/reply.ts';
import { encodeXforward } from '../protocol/smtp/xforward.ts';
import { type Answer, type Connection, type Loss, replyText } from './connection.ts';
import type { Opening } from './next-hop.ts';

export type EnvelopeAnswer =
  Answer | { readonly kind: 'lacks'; readonly extension: NeededExtension };

interface Unsaid {
  readonly path: Path;
  readonly resolve: (answer: EnvelopeAnswer | Promise<EnvelopeAnswer>) => void;
}

export class NextHopTransaction {
  readonly connection: Connection;
  /** The answer to MAIL, or why it did not come to that. */
  readonly mail: Promise<EnvelopeAnswer>;
  readonly #unsaid: Unsaid[] = [];
  #mailSaid = false;
  /** Why there is no transaction to name recipients in. */
  #failure: EnvelopeAnswer | undefined;

  constructor(connection: Connection, opening: Opening) {
    this.connection = connection;
    this.mail = this.#open(opening);
  }

  /** RCPT, as soon as MAIL is said. Where MAIL failed, the answer to it. */
  recipient(path: Path): Promise<EnvelopeAnswer> {
    if (this.#mailSaid) return this.#ask(path);
    const { promise, resolve } = Promise.withResolvers<EnvelopeAnswer>();
    this.#unsaid.push({ path, resolve });
    return promise;
  }

  async #open(opening: Opening): Promise<EnvelopeAnswer> {
    this.#failure = await this.#hello(opening);
    const said = this.#failure === undefined ? this.#envelope(opening) : this.#failure;
    this.#mailSaid = true;
    for (const { path, resolve } of this.#unsaid.splice(0)) resolve(this.#ask(path));
    const mail = await said;
    if (!isAccepted(mail)) this.#failure = mail;
    return mail;
  }

  async #ask(path: Path): Promise<EnvelopeAnswer> {
    if (this.#failure !== undefined) return this.#failure;
    const line = recipientLine(path, this.connection.extensions);
    const answer = await this.connection.say('RCPT', line);
    const mail = await this.mail;
    return isAccepted(mail) ? answer : mail;
  }

  /** @returns why MAIL cannot be said. */
  async #hello({ helloName, reversePath }: Opening): Promise<EnvelopeAnswer | undefined> {
    const greeting = await this.connection.greeting;
    if (!isAccepted(greeting)) return this.#noService('the connection', greeting);
    const hello = await this.connection.hello(helloName);
    if (!isAccepted(hello)) return this.#noService(helloName, hello);
    const extension = lackingExtension(reversePath, this.connection.extensions);
    return extension && { kind: 'lacks', extension };
  }

  /** A refusal of us says nothing of the message, so its words are not the message's answer. */
  #noService(what: string, answer: Answer): Loss {
    if (answer.kind === 'lost') return answer;
    this.connection.quit();
    const detail = `refused ${what}: ${replyText(answer.reply)}`;
    return { kind: 'lost', cause: 'refused', detail };
  }

  #envelope({ client, reversePath }: Opening): Promise<Answer> {
    const { extensions } = this.connection;
    for (const line of encodeXforward(client, extensions.get('XFORWARD') ?? [])) {
      this.connection.xforward(line);
    }
    return this.connection.say('MAIL', mailLine(reversePath, extensions));
  }
}

/** 2xx. */
export function isAccepted(answer: EnvelopeAnswer): boolean {
  return answer.kind === 'reply' && isPositive(answer.reply);
}

/** 4xx or 5xx. */
export function isRefused(answer: EnvelopeAnswer): boolean {
  return answer.kind === 'reply' && !isPositive(answer.reply);
}
