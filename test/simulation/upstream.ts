/**
 * The Postfix in front: a queue of messages, each tried again until all of its recipients are done
 * or bounced. How one delivery goes is upstream-session.ts.
 */
import type { Mail, Recipient } from './mail.ts';
import type { End, Network } from './network.ts';
import { Life } from './timeline.ts';
import type { Trace } from './trace.ts';
import { UpstreamSession, type Patience } from './upstream-session.ts';

/** What Postfix was told by the daemon, for those who check it. */
export interface Promises {
  /** The daemon has just said 2xx for these recipients; the peer may not have it yet. */
  accepted(mail: Mail, recipients: readonly Recipient[]): void;
}

export interface UpstreamSettings {
  readonly flavour: 'smtp' | 'lmtp';
  /** Recipients of one transaction at most. */
  readonly recipientLimit: number;
  readonly patience: Patience;
  /** Until a message is tried again, at least. */
  readonly backoffMs: number;
  readonly pipelining: boolean;
  readonly xforward: boolean;
}

export class Upstream {
  readonly mails: readonly Mail[];
  readonly #network: Network;
  readonly #accept: (end: End) => boolean;
  readonly #settings: UpstreamSettings;
  readonly #promises: Promises;
  readonly #trace: Trace;
  readonly #sessions = new Set<UpstreamSession>();
  readonly #idle: UpstreamSession[] = [];

  constructor(
    mails: readonly Mail[],
    settings: UpstreamSettings,
    around: {
      readonly network: Network;
      readonly accept: (end: End) => boolean;
      readonly promises: Promises;
      readonly trace: Trace;
    },
  ) {
    this.mails = mails;
    this.#settings = settings;
    this.#network = around.network;
    this.#accept = around.accept;
    this.#promises = around.promises;
    this.#trace = around.trace;
  }

  get done(): boolean {
    return this.mails.every(({ recipients }) =>
      recipients.every(({ state }) => state === 'delivered' || state === 'bounced'),
    );
  }

  start(): void {
    const { timeline, weather } = this.#network;
    for (const mail of this.mails) {
      timeline.after(weather.below(2000, 'arrival'), `queue ${mail.id}`, () => {
        void this.#deliver(mail);
      });
    }
  }

  /** The attempts at this message of which the daemon can still believe that they are wanted. */
  listening(id: string): readonly UpstreamSession[] {
    return [...this.#sessions].filter((session) => session.mail?.id === id && !session.toldGone);
  }

  /** One round of deliveries; another one later, while there are recipients left. */
  async #deliver(mail: Mail): Promise<void> {
    const { timeline, weather } = this.#network;
    const waiting = mail.recipients.filter(({ state }) => state === 'waiting');
    for (const recipient of waiting) recipient.state = 'under way';
    await Promise.all(this.#groups(waiting).map((group) => this.#attempt(mail, group)));
    for (const recipient of waiting) {
      if (recipient.state === 'under way') recipient.state = 'waiting';
    }
    if (mail.recipients.every(({ state }) => state !== 'waiting')) return;
    timeline.after(this.#settings.backoffMs + weather.delay('retry'), `retry ${mail.id}`, () => {
      void this.#deliver(mail);
    });
  }

  #groups(recipients: readonly Recipient[]): Recipient[][] {
    const { recipientLimit } = this.#settings;
    const groups: Recipient[][] = [];
    for (let at = 0; at < recipients.length; at += recipientLimit) {
      groups.push(recipients.slice(at, at + recipientLimit));
    }
    return groups;
  }

  async #attempt(mail: Mail, recipients: readonly Recipient[]): Promise<void> {
    const session = this.#idle.pop() ?? this.#open();
    this.#trace.note('upstream', () => `${mail.id} to ${recipients.length} on ${session.name}`);
    const usable = await session.deliver(mail, recipients);
    this.#trace.note(
      'upstream',
      () => `${mail.id}: ${recipients.map(({ state }) => state).join()}`,
    );
    if (!usable) return;
    this.#idle.push(session);
    this.#network.timeline.after(2000, `idle ${session.name}`, () => {
      const at = this.#idle.indexOf(session);
      if (at >= 0) this.#idle.splice(at, 1);
      if (at >= 0) session.quit();
    });
  }

  #open(): UpstreamSession {
    const life = new Life();
    const link = this.#network.connect('upstream', this.#accept, life);
    const session = new UpstreamSession(link, life, {
      settings: this.#settings,
      promises: this.#promises,
    });
    this.#sessions.add(session);
    return session;
  }
}
