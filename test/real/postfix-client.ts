/**
 * Plays a case with a real Postfix between its client and the door: says to Postfix what the client
 * says, and learns what the door answered from what Postfix tells its client, or writes in its log.
 */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import {
  type Case,
  type Column,
  columns,
  type CommandStep,
  type Expectation,
  type MessageStep,
  type Step,
} from '../conformance/case.ts';
import { Client } from '../conformance/client.ts';
import { sendDuring } from '../conformance/incidents.ts';
import { namedMessage } from '../conformance/named-messages.ts';
import { stuffed } from '../conformance/bytes.ts';
import { World } from '../conformance/world.ts';
import type { PostfixDoors } from './postfix-doors.ts';

const run = promisify(execFile);
const stampField = 'X-Virus-Scanned: clamgate\r\n';

/** Why Postfix cannot bring a case about at a door; undefined when it can. */
export function obstacle(
  { steps, notByPostfix, arrangement }: Case,
  column: Column,
): string | undefined {
  const isAfterQueue = column === 'smtp' || column === 'lmtp';
  const own = notByPostfix.get(column);
  if (own !== undefined) return own;
  if (arrangement.set.has('stranger')) return 'its Postfix may always say XFORWARD';
  for (const step of steps) {
    if (step.kind === 'say' && (step.text !== 'RSET' || isAfterQueue)) {
      return 'it says what Postfix never says here';
    }
    if (step.kind !== 'message' || !step.during) continue;
    const { stage, incident } = step.during;
    const isClient = incident === 'client closes' || incident === 'client resets';
    if (stage === 'data' && column !== 'before-queue') {
      return 'Postfix has the message whole before it hands it on';
    }
    if (stage !== 'data' && isClient) return 'Postfix does not go while it waits for an answer';
  }
  return undefined;
}

export async function playWithPostfix(
  one: Case,
  column: Column,
  doors: PostfixDoors,
): Promise<void> {
  const world = await World.start(one.arrangement, column);
  world.patience = { turn: () => delay(2), ms: 20_000 };
  try {
    await world.open({ host: '127.0.0.1', port: doors.filterPorts[column] });
    const client = await Client.connect({ host: '127.0.0.1', port: doors.submitPorts[column] });
    await new PostfixPlayer(column, { world, client, doors }).play(one.steps);
    client.close();
    await world.until(() => client.ended, 'the end of the session');
    await world.expectNothingHeld();
  } finally {
    await world.close();
    await empty(doors);
  }
}

async function empty({ postfix }: PostfixDoors): Promise<void> {
  if ((await postfix.queued()).length === 0) return;
  await run('postsuper', ['-c', postfix.configDirectory, '-d', 'ALL']);
}

interface Scene {
  readonly world: World;
  readonly client: Client;
  readonly doors: PostfixDoors;
}

/** How many there were. */
interface Before {
  readonly records: number;
  readonly messages: number;
}

interface Named {
  readonly address: string;
  /** What the door is to say to RCPT. */
  readonly reply: string;
}

class PostfixPlayer {
  readonly #column: Column;
  readonly #scene: Scene;
  /** What the door is to say to MAIL. */
  #mail = '250';
  #isOpen = false;
  #to: Named[] = [];

  constructor(column: Column, scene: Scene) {
    this.#column = column;
    this.#scene = scene;
  }

  async play(steps: readonly Step[]): Promise<void> {
    await this.#reply('220');
    await this.#say('EHLO client.example\r\n', '250');
    for (const step of steps) await this.#take(step);
    await this.#endUnfinished();
  }

  /**
   * A transaction without a message: what is refused at MAIL Postfix's client hears of at once from a
   * Milter, at RCPT before the queue, and behind the queue when Postfix has a message to hand on.
   */
  async #endUnfinished(): Promise<void> {
    if (!this.#isOpen) return;
    const isHeard = this.#column === 'milter';
    if (this.#mail !== '250' && this.#to.length === 0 && !isHeard)
      await this.#take(recipient(this.#mail));
    if (this.#isAfterQueue && this.#to.length > 0) await this.#message(refusedMessage);
    else await this.#reset();
  }

  async #reset(): Promise<void> {
    await this.#say('RSET\r\n', '250');
    this.#isOpen = false;
    this.#mail = '250';
    this.#to = [];
  }

  get #isAfterQueue(): boolean {
    return this.#column === 'smtp' || this.#column === 'lmtp';
  }

  async #take(step: Step): Promise<void> {
    if (step.kind === 'message') {
      await this.#message(step);
      return;
    }
    const [reply = ''] = step.replies[this.#column];
    if (step.kind === 'mail') await this.#endUnfinished();
    if (step.kind === 'mail') this.#isOpen = true;
    await this.#scene.client.send(step.line);
    await this.#reply(this.#heardFor(step, reply));
    if (step.kind === 'mail') this.#mail = reply;
    if (step.kind === 'rcpt') this.#to.push({ address: addressIn(step.text), reply });
    if (step.kind === 'say') await this.#reset();
  }

  /** What Postfix says to its client where the door says this. */
  #heardFor({ kind }: CommandStep, reply: string): RegExp | string {
    if (this.#isAfterQueue || kind === 'xforward') return '250';
    if (this.#column === 'before-queue' && kind === 'mail') return '250';
    return this.#column === 'policy' && kind === 'rcpt' ? actionHeard(reply) : reply;
  }

  async #say(text: string, reply: string): Promise<void> {
    await this.#scene.client.send(Buffer.from(text));
    await this.#reply(reply);
  }

  async #reply(expected: RegExp | string): Promise<string> {
    const { world, client } = this.#scene;
    await world.until(() => client.heard.length > 0 || client.ended, 'a reply');
    const reply = client.heard.shift() ?? 'closed without a reply';
    if (typeof expected !== 'string') expect(reply).toMatch(expected);
    else if (!reply.startsWith(expected)) expect(reply).toBe(expected);
    return reply;
  }

  async #message(step: MessageStep): Promise<void> {
    const expected = step.expected.get(this.#column);
    const { world } = this.#scene;
    const before = { records: world.records.length, messages: world.nextHop.messages.length };
    const accepted = this.#isAfterQueue || this.#to.some(({ reply }) => reply === '250');
    if (accepted) await this.#data(step, expected, before);
    else await this.#say('DATA\r\n', '554');
    // Postfix leaves a transaction open that was refused before its end.
    if (expected?.outcome === 'abandoned') this.#isOpen = false;
    else await this.#reset();
  }

  async #data(step: MessageStep, expected: Expectation | undefined, before: Before): Promise<void> {
    const { world, client } = this.#scene;
    await this.#say('DATA\r\n', '354');
    const end = step.wire.length - 3;
    const sending = { body: step.wire.subarray(0, end), end: step.wire.subarray(end) };
    const when = step.during?.stage === 'data' ? step.during : undefined;
    await sendDuring({ world, client }, sending, when);
    if (this.#isAfterQueue) await this.#checkDelivery(step, expected);
    else await this.#checkReply(step, expected);
    await this.#checkOutcome(step, expected, before);
  }

  async #during(step: MessageStep): Promise<void> {
    const { world, client } = this.#scene;
    if (step.during === undefined || step.during.stage === 'data') return;
    await sendDuring({ world, client }, { body: nothing, end: nothing }, step.during);
  }

  /** What Postfix tells its client at the end of data. */
  async #checkReply(step: MessageStep, expected: Expectation | undefined): Promise<void> {
    await this.#during(step);
    const [reply] = expected?.replies ?? [];
    if (reply === undefined) return;
    const said = await this.#reply(this.#column === 'policy' ? actionHeard(reply) : heard(reply));
    if (reply === 'accept') await this.#checkSink(step, said);
  }

  /** What Postfix writes of each recipient. */
  async #checkDelivery(step: MessageStep, expected: Expectation | undefined): Promise<void> {
    const id = /queued as (\w+)/.exec(await this.#reply('250 2.0.0 Ok: queued as'))?.[1] ?? '';
    await this.#during(step);
    const replies = [...(expected?.replies ?? [])];
    for (const { address, reply } of this.#to) {
      const atRcpt = this.#mail === '250' ? reply : this.#mail;
      const isNamed = atRcpt === '250';
      const due = isNamed ? (this.#column === 'lmtp' ? replies.shift() : replies[0]) : atRcpt;
      const status = await this.#statusOf(id, address);
      expect(status).toContain(due ?? 'nothing');
      expect(status).toMatch(kindOf(due ?? ''));
    }
  }

  async #statusOf(id: string, address: string): Promise<string> {
    const { world, doors } = this.#scene;
    const line = `${id}: to=<${address}>`;
    let found: string | undefined;
    const look = async (): Promise<void> => {
      found = (await doors.postfix.logLines()).find(
        (one) => one.includes(line) && /status=/.test(one),
      );
    };
    for (let looks = 0; looks < 2000 && found === undefined; looks++) {
      if (world.stuck) world.clock.advance(500);
      await delay(5);
      await look();
    }
    return found ?? 'no delivery was logged';
  }

  async #checkOutcome(
    step: MessageStep,
    expected: Expectation | undefined,
    before: Before,
  ): Promise<void> {
    const { world } = this.#scene;
    if (expected?.outcome === undefined) return;
    await world.until(() => world.records.length > before.records, 'a record');
    expect(world.records.at(-1)?.outcome).toBe(expected.outcome);
    if (expected.outcome !== 'relayed' || this.#column === 'milter') return;
    const [arrived] = world.nextHop.messages
      .slice(before.messages)
      .filter(({ replies }) => replies.some((one) => one.startsWith('2')));
    this.#checkContent(step, arrived?.content);
    const addresses = arrived?.recipients.map(({ address }) => address);
    const relayed = this.#to.filter(
      ({ address, reply }) => reply === '250' && !(step.kept ?? []).includes(address),
    );
    expect(addresses).toEqual(relayed.map(({ address }) => address));
  }

  /** What a Milter takes goes on to Postfix's own next hop. */
  async #checkSink(step: MessageStep, said: string): Promise<void> {
    const { postfix } = this.#scene.doors;
    const id = /queued as (\w+)/.exec(said)?.[1] ?? '';
    const find = () => postfix.sink.messages.find(({ data }) => data.includes(`id ${id}`));
    await this.#scene.world.until(() => find() !== undefined, 'the delivery');
    this.#checkContent(step, find()?.data);
  }

  /** Our field and the message, whatever Postfix has written above. */
  #checkContent(step: MessageStep, content: Buffer | undefined): void {
    const field = this.#scene.world.arrangement.set.has('header off') ? '' : stampField;
    const expected = step.arrives ?? Buffer.concat([Buffer.from(field), step.content]);
    const received =
      /^Received: (?:(?!\r\n[^ \t])[^])*?by postfix\.test (?:(?!\r\n[^ \t])[^])*\r\n/m;
    const arrived = content?.toString('latin1').replace(received, '');
    expect(arrived).toBe(expected.toString('latin1'));
  }
}

const nothing = Buffer.alloc(0);

/** What Postfix makes of a Milter's word; before the queue the reply is ours or the next hop's. */
function heard(reply: string): string {
  return /^(accept|discard|quarantine)$/.test(reply) ? '250 2.0.0 Ok: queued as' : reply;
}

/** access(5): DEFER_IF_PERMIT is said as 450, REJECT as 554, each with our code and text. */
function actionHeard(action: string): RegExp {
  if (action === '250' || action === 'DUNNO') return /^250 2\./;
  const [verb, code = ''] = action.split(' ');
  return new RegExp(`^${verb === 'REJECT' ? '55[0-9]' : '45[01]'} ${code.replaceAll('.', '\\.')} `);
}

function kindOf(reply: string): RegExp {
  if (reply.startsWith('2')) return /status=sent/;
  return reply.startsWith('4') ? /status=deferred/ : /status=bounced/;
}

function addressIn(path: string): string {
  return /^<(.*)>/.exec(path)?.[1] ?? '';
}

/** @param reply what the door says to MAIL, and so Postfix before the queue to this. */
function recipient(reply: string): CommandStep {
  const replies = Object.fromEntries(columns.map((column) => [column, [reply]]));
  return {
    kind: 'rcpt',
    line: Buffer.from('RCPT TO:<b@example.org>\r\n'),
    text: '<b@example.org>',
    replies: replies as Record<Column, string[]>,
  };
}

/** For a case that ends before DATA. */
const refusedMessage: MessageStep = {
  kind: 'message',
  wire: stuffed(namedMessage('text')),
  content: namedMessage('text'),
  ...{ arrives: undefined, during: undefined, kept: undefined },
  expected: new Map(),
};
