/**
 * One connection of Postfix's smtp(8) or lmtp(8) to the daemon. A reply that does not come in time,
 * and one that is lost, leave the recipients where they were.
 */
import { type Mail, type Recipient, stuffed } from './mail.ts';
import type { Link } from './network.ts';
import { ReplyWatch } from './reply-watch.ts';
import { Talk } from './talk.ts';
import type { Life } from './timeline.ts';
import type { Promises, UpstreamSettings } from './upstream.ts';

/** Postfix's smtp_*_timeout, in milliseconds. */
export interface Patience {
  readonly commandMs: number;
  readonly dataInitMs: number;
  readonly dataDoneMs: number;
}

interface SessionOptions {
  readonly settings: UpstreamSettings;
  readonly promises: Promises;
}

export class UpstreamSession {
  /** The message under way, or with which this connection broke. */
  mail: Mail | undefined;
  readonly #talk: Talk;
  readonly #link: Link;
  readonly #options: SessionOptions;
  readonly #watch = new ReplyWatch();
  #greeted = false;

  constructor(link: Link, life: Life, options: SessionOptions) {
    this.#link = link;
    this.#options = options;
    this.#talk = new Talk(link.client, link.network.timeline, life);
    link.server.tap = (bytes) => {
      this.#watch.sent(bytes);
    };
  }

  get name(): string {
    return this.#link.name;
  }

  /** Whether the daemon has heard that this connection is gone. */
  get toldGone(): boolean {
    return this.#link.server.toldGone;
  }

  /** When the daemon heard something last. */
  get heardAt(): number {
    return this.#link.server.heardAt;
  }

  /** @returns whether the connection can serve again. Never rejects. */
  async deliver(mail: Mail, recipients: readonly Recipient[]): Promise<boolean> {
    this.mail = mail;
    const done = await this.#transact(mail, recipients);
    if (done) this.mail = undefined;
    if (!done || this.#talk.over) this.#hangUp();
    return done && !this.#talk.over;
  }

  quit(): void {
    this.#talk.say('QUIT\r\n');
    this.#talk.close();
  }

  async #transact(mail: Mail, recipients: readonly Recipient[]): Promise<boolean> {
    if (!(await this.#greet())) return false;
    if (!(await this.#xforward(mail))) return false;
    const accepted = await this.#envelope(recipients);
    if (accepted === undefined) return false;
    if (accepted.length === 0) return (await this.#command('RSET'))?.code === 250;
    return this.#content(mail, accepted);
  }

  async #greet(): Promise<boolean> {
    if (this.#greeted) return true;
    const { commandMs } = this.#options.settings.patience;
    this.#watch.expect();
    if ((await this.#talk.reply(commandMs))?.code !== 220) return false;
    const verb = this.#options.settings.flavour === 'lmtp' ? 'LHLO' : 'EHLO';
    this.#greeted = (await this.#command(`${verb} mx.example.org`))?.code === 250;
    return this.#greeted;
  }

  async #xforward({ ident }: Mail): Promise<boolean> {
    if (!this.#options.settings.xforward) return true;
    const attributes = `NAME=client.example ADDR=192.0.2.1 IDENT=${ident}`;
    return (await this.#command(`XFORWARD ${attributes}`))?.code === 250;
  }

  /** @returns the recipients that were accepted, with 354 said; undefined when the session is over. */
  async #envelope(recipients: readonly Recipient[]): Promise<Recipient[] | undefined> {
    const { pipelining, patience } = this.#options.settings;
    const lines = recipients.map(({ address, orcpt }) => {
      return `RCPT TO:<${address}>${orcpt && ` ORCPT=${orcpt}`}`;
    });
    const commands = ['MAIL FROM:<sender@sender.example>', ...lines];
    if (pipelining) this.#say([...commands, 'DATA']);
    const codes: number[] = [];
    for (const command of commands) {
      if (!pipelining) this.#say([command]);
      const reply = await this.#talk.reply(patience.commandMs);
      if (!reply || reply.code === 421) return undefined;
      codes.push(reply.code);
      if (!pipelining && codes[0] !== 250) return [];
    }
    const accepted = recipients.filter((_, at) => codes[0] === 250 && codes[at + 1] === 250);
    for (const [at, recipient] of recipients.entries()) {
      if (codes[0] === 250 && (codes[at + 1] ?? 0) >= 500) recipient.state = 'bounced';
    }
    return this.#data(accepted);
  }

  async #data(accepted: Recipient[]): Promise<Recipient[] | undefined> {
    const { pipelining, patience } = this.#options.settings;
    if (!pipelining && accepted.length === 0) return [];
    if (!pipelining) this.#say(['DATA']);
    const data = await this.#talk.reply(patience.dataInitMs);
    if (!data || data.code === 421) return undefined;
    if (data.code !== 354) return [];
    // 354 with nobody to send to can only be said to a client that pipelines.
    if (accepted.length === 0) return undefined;
    return accepted;
  }

  async #content(mail: Mail, accepted: readonly Recipient[]): Promise<boolean> {
    const { settings, promises } = this.#options;
    const { weather, timeline } = this.#link.network;
    const groups = settings.flavour === 'lmtp' ? accepted.map((one) => [one]) : [accepted];
    for (const group of groups) {
      this.#watch.expect((code) => {
        if (code >= 200 && code < 300) promises.accepted(mail, group);
      });
    }
    const stuffedContent = stuffed(mail.content);
    const half = weather.below(stuffedContent.length, 'pause in content');
    this.#talk.say(stuffedContent.slice(0, half));
    if (half > 0) await timeline.pause(weather.delay('network'), `content ${this.name}`);
    if (weather.happens('client killed')) return false;
    this.#talk.say(`${stuffedContent.slice(half)}.\r\n`);
    for (const group of groups) {
      const reply = await this.#talk.reply(settings.patience.dataDoneMs);
      if (!reply || weather.happens('reply to the peer lost')) return false;
      settle(group, reply.code);
      if (reply.code === 421) return false;
    }
    return true;
  }

  #say(commands: readonly string[]): void {
    for (let count = 0; count < commands.length; count++) this.#watch.expect();
    this.#talk.say(commands.map((command) => `${command}\r\n`).join(''));
  }

  async #command(command: string): Promise<{ readonly code: number } | undefined> {
    this.#say([command]);
    return this.#talk.reply(this.#options.settings.patience.commandMs);
  }

  #hangUp(): void {
    if (this.#link.network.weather.below(2, 'hang up') === 0) this.#talk.close();
    else this.#link.client.abort();
  }
}

function settle(recipients: readonly Recipient[], code: number): void {
  for (const recipient of recipients) {
    if (code >= 200 && code < 300) recipient.state = 'delivered';
    else if (code >= 500) recipient.state = 'bounced';
  }
}
