/** Plays a case over SMTP or LMTP: what its client says, what it hears, and what became of it. */
import { expect } from '@jest/globals';
import type { TransactionRecord } from '../../src/engine/record.ts';
import type { FakePath, ReceivedMessage } from '../support/fake-next-hop.ts';
import { bytesOf } from '../support/stand-ins.ts';
import { stuffed } from './bytes.ts';
import type { Expectation, MessageStep, SmtpColumn, Step } from './case.ts';
import type { Client } from './client.ts';
import { sendDuring } from './incidents.ts';
import type { Manner, Player, Scene } from './play.ts';
import type { World } from './world.ts';

const stampField = 'X-Virus-Scanned: clamgate\r\n';
const endOfData = Buffer.from('.\r\n');

/** A client that speaks SMTP or LMTP. */
export class SmtpPlayer implements Player {
  readonly #column: SmtpColumn;
  readonly #world: World;
  readonly #client: Client;
  readonly #manner: Manner;
  readonly #unsent: Buffer[] = [];
  readonly #unheard: string[] = [];
  #xforward: string[] = [];
  #from: FakePath | undefined;
  #to: FakePath[] = [];
  #greeted = false;

  constructor(column: SmtpColumn, { world, client, manner }: Scene) {
    this.#column = column;
    this.#world = world;
    this.#client = client;
    this.#manner = manner;
  }

  /** Where the case says none itself. */
  async #hello(): Promise<void> {
    const verb = this.#column === 'lmtp' ? 'LHLO' : 'EHLO';
    this.#greeted = true;
    await this.#say(Buffer.from(`${verb} client.example\r\n`), ['250']);
    await this.hear();
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'message') {
      await this.#message(step);
      return;
    }
    const isHello = step.kind === 'say' && /^(EHLO|HELO|LHLO) /.test(step.text);
    this.#greeted ||= isHello;
    if (step.kind !== 'say' && !this.#greeted) await this.#hello();
    const replies = step.replies[this.#column];
    await this.#say(step.line, replies);
    if (step.kind === 'say') {
      await this.hear();
      if (isHello || step.text === 'RSET') this.#forget();
    }
    if (!replies[0]?.startsWith('250')) return;
    if (step.kind === 'xforward') this.#xforward.push(...step.text.split(' '));
    if (step.kind === 'mail') this.#from = pathOf(step.text);
    if (step.kind === 'rcpt') this.#to.push(pathOf(step.text));
  }

  /** Sends what is unsent, and hears all that is due; behind 421 and 221 the session ends. */
  async hear(): Promise<void> {
    await this.#client.send(Buffer.concat(this.#unsent.splice(0)));
    for (const expected of this.#unheard.splice(0)) {
      const reply = await this.#reply();
      expect(beginning(reply, expected)).toBe(expected);
      if (!/^(421|221)/.test(expected)) continue;
      await this.#world.until(() => this.#client.ended, 'the session ends');
    }
  }

  async #say(bytes: Buffer, replies: readonly string[]): Promise<void> {
    this.#unsent.push(bytes);
    this.#unheard.push(...replies);
    if (this.#manner === 'lockstep') await this.hear();
  }

  async #reply(): Promise<string> {
    const { heard } = this.#client;
    await this.#world.until(() => heard.length > 0 || this.#client.ended, 'a reply');
    return heard.shift() ?? 'closed without a reply';
  }

  async #message(step: MessageStep): Promise<void> {
    const expected = step.expected.get(this.#column);
    if (!expected) throw new Error(`nothing is expected over ${this.#column}`);
    const before = {
      records: this.#world.records.length,
      messages: this.#world.nextHop.messages.length,
      quarantined: (await this.#world.quarantined()).length,
    };
    await this.#say(Buffer.from('DATA\r\n'), ['354']);
    await this.hear();
    const end = step.wire.length - endOfData.length;
    const sending = { body: step.wire.subarray(0, end), end: step.wire.subarray(end) };
    await sendDuring({ world: this.#world, client: this.#client }, sending, step.during);
    for (const reply of expected.replies) {
      expect(beginning(await this.#reply(), reply)).toBe(reply);
    }
    const { records } = this.#world;
    await this.#world.until(() => records.length > before.records, 'a record');
    const record = records.at(-1);
    expect(record?.outcome).toBe(expected.outcome);
    const messages = this.#world.nextHop.messages.slice(before.messages);
    this.#checkRelayed(step, expected, messages);
    await this.#checkQuarantined(step, expected, { record, before: before.quarantined });
    this.#forget();
  }

  #checkRelayed(step: MessageStep, { outcome }: Expectation, messages: ReceivedMessage[]): void {
    const accepted = messages.filter(({ replies }) =>
      replies.some((reply) => reply.startsWith('2')),
    );
    const { failures } = this.#world.arrangement.nextHop;
    const failsAtDot = failures.some(({ step: at }) => at === 'dot' || at === 'content');
    expect(accepted).toHaveLength(outcome === 'relayed' ? 1 : 0);
    if (!failsAtDot) expect(messages).toEqual(accepted);
    for (const arrived of messages) this.#checkArrived(step, arrived);
  }

  #checkArrived(step: MessageStep, arrived: ReceivedMessage): void {
    const field = this.#world.arrangement.set.has('header off') ? '' : stampField;
    const content = step.arrives ?? Buffer.concat([Buffer.from(field), step.content]);
    expect(arrived.content.toString('latin1')).toBe(content.toString('latin1'));
    expect(arrived.wire).toEqual(stuffed(content));
    expect(arrived.reversePath).toEqual(this.#from);
    const relayed = this.#to.filter(({ address }) => !step.kept?.includes(address));
    expect(arrived.recipients).toEqual(relayed);
    const client = this.#xforward.map((word) => word.split(/=(.*)/s).slice(0, 2));
    expect(arrived.client).toEqual(
      Object.fromEntries(client.map(([name = '', value]) => [name.toLowerCase(), value])),
    );
  }

  async #checkQuarantined(
    { content, kept }: MessageStep,
    { outcome }: Expectation,
    { record, before }: { record: TransactionRecord | undefined; before: number },
  ): Promise<void> {
    const items = await this.#world.quarantined();
    const all = outcome === 'quarantined' ? this.#to.map(({ address }) => address) : [];
    const recipients = kept ?? all;
    expect(items).toHaveLength(before + (recipients.length > 0 ? 1 : 0));
    if (recipients.length === 0) return;
    const item = items.find(({ id }) => id === record?.quarantineId);
    expect(item).toMatchObject({
      kind: 'whole',
      record: {
        envelope: {
          reversePath: { address: this.#from?.address },
          recipients: recipients.map((address) => ({ address })),
        },
      },
    });
    const stored = await bytesOf(this.#world.quarantine.open(item?.id ?? ''));
    expect(stored.toString('latin1')).toBe(content.toString('latin1'));
  }

  #forget(): void {
    this.#xforward = [];
    this.#from = undefined;
    this.#to = [];
  }
}

/** As many words of a reply as were expected of it. */
function beginning(reply: string, expected: string): string {
  return reply.split(' ').slice(0, expected.split(' ').length).join(' ');
}

/** `<a@example.net> BODY=8BITMIME` */
function pathOf(text: string): FakePath {
  const [, address = '', parameters = ''] = /^<(.*?)> ?(.*)$/.exec(text) ?? [];
  return { address, parameters: parameters.split(' ').filter(Boolean) };
}
