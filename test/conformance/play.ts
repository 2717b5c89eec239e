/** Plays a case: says what its client says, and checks what it hears and what became of it. */
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { blockBytes } from '../../src/scan/stream-blocks.ts';
import type { FakePath, ReceivedMessage } from '../support/fake-next-hop.ts';
import { bytesOf } from '../support/stand-ins.ts';
import { stuffed } from './bytes.ts';
import type { Case, Column, Expectation, Incident, MessageStep, Step } from './case.ts';
import type { Client } from './client.ts';
import type { World } from './world.ts';

/** Whether the client waits for each reply, or only where it must (RFC 2920 §3.1). */
export type Manner = 'lockstep' | 'pipelined';

export async function play(
  one: Case,
  column: Column,
  stage: { readonly world: World; readonly client: Client; readonly manner: Manner },
): Promise<void> {
  const player = new Player(column, stage.world, stage.client, stage.manner);
  for (const step of one.steps) await player.take(step);
  await player.hear();
}

const stampField = 'X-Virus-Scanned: clamgate\r\n';

class Player {
  readonly #column: Column;
  readonly #world: World;
  readonly #client: Client;
  readonly #manner: Manner;
  readonly #unsent: Buffer[] = [];
  readonly #unheard: string[] = [];
  #xforward: string[] = [];
  #from: FakePath | undefined;
  #to: FakePath[] = [];
  #greeted = false;

  constructor(column: Column, world: World, client: Client, manner: Manner) {
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
    await this.#say(step.line, step.replies);
    if (step.kind === 'say') {
      await this.hear();
      if (isHello || step.text === 'RSET') this.#forget();
    }
    if (!step.replies[0]?.startsWith('250')) return;
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
    await this.#content(step);
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

  async #content({ wire, during }: MessageStep): Promise<void> {
    const { clamds, nextHop } = this.#world;
    if (!during) {
      await this.#client.send(wire);
      return;
    }
    await this.#client.send(during.stage === 'data' ? wire.subarray(0, -3) : wire);
    if (during.stage === 'data' && wire.length > blockBytes) {
      await this.#world.until(() => clamds.some(({ open }) => open > 0), 'the scan begins');
    }
    if (during.stage === 'scan') {
      await this.#world.until(() => clamds.some(({ held }) => held > 0), 'a scan');
    }
    if (during.stage === 'handover' || during.stage === 'dot') {
      await this.#world.until(() => nextHop.failed > 0, 'the next hop is asked');
    }
    await this.#happen(during);
    if (during.incident === 'drain ends') return;
    if (during.stage === 'data' && during.incident === 'shutdown') {
      await this.#client.send(wire.subarray(-3));
    }
    for (const clamd of clamds) clamd.release();
  }

  async #happen({ stage, incident }: Incident): Promise<void> {
    const { nextHop, records } = this.#world;
    switch (incident) {
      case 'client closes':
      case 'client resets':
        if (incident === 'client closes') this.#client.close();
        else this.#client.reset();
        // Before clamd or the next hop goes on: it is for us to end what nobody waits for.
        if (stage === 'dot') for (let turns = 0; turns < 20; turns++) await eventLoopTurn();
        else await this.#world.until(() => records.length > 0, 'the transaction is given up');
        nextHop.recover();
        break;
      case 'next hop hangs up':
        await nextHop.hangUp();
        break;
      case 'shutdown':
        this.#world.stop();
        break;
      case 'drain ends':
        this.#world.stop();
        this.#world.listener.cutOff();
    }
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
