/** One connection of the next hop's smtpd(8), or of its LMTP server, and all the ways it can die. */
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import type { Copy, Downstream } from './downstream.ts';
import { messageIdIn, unstuffed } from './mail.ts';
import type { End } from './network.ts';
import { Talk } from './talk.ts';
import { Life } from './timeline.ts';

interface Accepted {
  readonly recipient: string;
  readonly orcpt: string;
}

const sessionMs = 300_000;
/** smtpd_policy_service_timeout. */
const questionMs = 100_000;

export class DownstreamSession {
  readonly #hop: Downstream;
  readonly #end: End;
  readonly #talk: Talk;
  #helloName = '';
  #recipients: Accepted[] = [];
  #messages = 0;
  #over = false;

  constructor(hop: Downstream, end: End) {
    this.#hop = hop;
    this.#end = end;
    this.#talk = new Talk(end, hop.network.timeline, new Life());
  }

  async serve(): Promise<void> {
    const { weather } = this.#hop.network;
    await this.#pause();
    this.#say('220 next.example ESMTP Postfix');
    while (!this.#over) {
      const line = await this.#talk.line(sessionMs);
      if (line === undefined || weather.happens('smtpd killed')) break;
      await this.#pause();
      await this.#command(line);
    }
    if (weather.below(2, 'how smtpd closes') === 0) this.#talk.close();
    else this.#end.abort();
  }

  async #command(line: string): Promise<void> {
    const [verb = ''] = line.toUpperCase().split(/[ :]/, 1);
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        this.#helloName = line.slice(5);
        this.#recipients = [];
        this.#say('250-next.example\r\n250-PIPELINING\r\n250-DSN\r\n250 XFORWARD NAME ADDR IDENT');
        return;
      case 'MAIL':
        this.#recipients = [];
        this.#refuseOr('mail 4xx', '451 4.3.0 later', '250 2.1.0 Ok');
        return;
      case 'RCPT':
        this.#recipient(line);
        return;
      case 'DATA':
        await this.#data();
        return;
      case 'QUIT':
        this.#say('221 2.0.0 Bye');
        this.#over = true;
        return;
      default:
        this.#recipients = [];
        this.#say('250 2.0.0 Ok');
    }
  }

  #recipient(line: string): void {
    const { weather } = this.#hop.network;
    const recipient = /<(.*?)>/.exec(line)?.[1] ?? '';
    const orcpt = / ORCPT=(\S+)/.exec(line)?.[1] ?? '';
    if (this.#hop.isUnknown(recipient + orcpt)) {
      this.#hop.refused.add(recipient + orcpt);
      this.#say('550 5.1.1 no such user');
    } else if (weather.happens('rcpt 4xx')) this.#say('450 4.2.1 later');
    else {
      this.#recipients.push({ recipient, orcpt });
      this.#say('250 2.1.5 Ok');
    }
  }

  async #data(): Promise<void> {
    if (this.#recipients.length === 0) {
      this.#say('554 5.5.1 no valid recipients');
      return;
    }
    if (this.#refuseOr('data 4xx', '451 4.3.0 later', '354 go on')) return;
    const content = await this.#talk.content(sessionMs);
    if (content === undefined) {
      this.#over = true;
      return;
    }
    const message = unstuffed(content);
    const { timeline, weather } = this.#hop.network;
    if (weather.happens('next hop stalls'))
      await timeline.pause(weather.below(130_000, 'stall'), 'stall');
    if (this.#hop.settings.flavour === 'lmtp') await this.#lmtpDot(message);
    else await this.#smtpDot(message);
    this.#recipients = [];
  }

  /** RFC 2033 §4.2: each recipient is queued, or refused, on its own. */
  async #lmtpDot(content: string): Promise<void> {
    for (const recipient of this.#recipients) {
      if (this.#over) return;
      if (this.#refusesDot([recipient])) continue;
      await this.#commit(this.#hop.create(), this.#copies(content, [recipient]));
    }
  }

  async #smtpDot(content: string): Promise<void> {
    if (this.#refusesDot(this.#recipients)) return;
    const queueId = this.#hop.create();
    const permission = this.#hop.settings.asks ? await this.#ask(queueId) : 'not-ours';
    if (permission === 'go' || permission === 'not-ours') {
      return this.#commit(queueId, this.#copies(content, this.#recipients));
    }
    this.#hop.remove(queueId);
    if (permission === 'stale') this.#say('451 4.3.0 stale attempt');
    else if (permission === 'nobody') this.#say('451 4.3.5 Server configuration problem');
    else this.#over = true;
  }

  #refusesDot(recipients: readonly Accepted[]): boolean {
    if (this.#refuseOr('dot 4xx', '451 4.3.0 later')) return true;
    if (!this.#refuseOr('dot 5xx', '554 5.7.1 not wanted')) return false;
    for (const { recipient, orcpt } of recipients) this.#hop.refused.add(recipient + orcpt);
    return true;
  }

  /** 'killed': smtpd does not live to hear the answer. Postfix tries twice, a second apart. */
  async #ask(queueId: string): Promise<CommitAnswer | 'nobody' | 'killed'> {
    const { timeline, weather } = this.#hop.network;
    const instance = `${this.#end.name}.${++this.#messages}`;
    for (let attempt = 0; attempt < 2; attempt++) {
      if (attempt > 0) await timeline.pause(1000, 'ask again');
      const answer = this.#question({ heloName: this.#helloName, queueId, instance });
      if (weather.happens('smtpd killed asking')) {
        await timeline.pause(weather.delay('question'), 'smtpd dies');
        return 'killed';
      }
      const permission = await answer;
      this.#hop.trace.note('downstream', () => `${queueId}: may I? ${permission}`);
      if (permission !== 'nobody') return permission;
    }
    return 'nobody';
  }

  /** The way there and back takes time, and the daemon can be gone at each point of it. */
  #question(question: CommitQuestion): Promise<CommitAnswer | 'nobody'> {
    const { timeline, weather } = this.#hop.network;
    return new Promise((resolve) => {
      const settle = (permission: CommitAnswer | 'nobody', ms: number): void => {
        timeline.after(ms, 'answer to the question', () => {
          resolve(permission);
        });
      };
      settle('nobody', questionMs);
      timeline.after(weather.delay('question'), 'question', () => {
        const answer = this.#hop.ask(question);
        if (!answer) settle('nobody', 0);
        void answer?.then(
          (permission) => {
            settle(permission, weather.delay('question'));
          },
          () => {
            settle('nobody', 0);
          },
        );
      });
    });
  }

  async #commit(queueId: string, copies: readonly Omit<Copy, 'queueId'>[]): Promise<void> {
    const { timeline, weather } = this.#hop.network;
    if (weather.happens('smtpd killed after go')) this.#over = true;
    if (this.#over) this.#talk.close();
    await timeline.pause(weather.delay('commit'), `commit ${queueId}`);
    if (weather.happens('next hop killed')) {
      this.#hop.remove(queueId);
      this.#over = true;
      return;
    }
    this.#hop.commit(queueId, copies);
    await this.#pause();
    if (weather.happens('reply lost')) this.#over = true;
    if (!this.#over) this.#say(`250 2.0.0 Ok: queued as ${queueId}`);
  }

  #copies(content: string, recipients: readonly Accepted[]): Omit<Copy, 'queueId'>[] {
    return recipients.map((recipient) => ({ id: messageIdIn(content), content, ...recipient }));
  }

  /** @returns whether it was refused. */
  #refuseOr(fault: 'mail 4xx' | 'data 4xx' | 'dot 4xx' | 'dot 5xx', no: string, yes?: string) {
    const refused = this.#hop.network.weather.happens(fault);
    if (refused) this.#say(no);
    else if (yes !== undefined) this.#say(yes);
    return refused;
  }

  #say(text: string): void {
    this.#talk.say(`${text}\r\n`);
  }

  #pause(): Promise<void> {
    const { timeline, weather } = this.#hop.network;
    return timeline.pause(weather.delay('smtpd'), `smtpd ${this.#end.name}`);
  }
}
