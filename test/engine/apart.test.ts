/** Recipients whose rules differ, through whole transactions, and what a retry of theirs is told. */
import { describe, expect, it, test } from '@jest/globals';
import { isAccepted } from '../../src/engine/answer.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Scans } from '../../src/engine/scans.ts';
import type { Client } from '../../src/envelope.ts';
import { render } from '../../src/listener/render.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import type { BannedRule } from '../../src/verdict/banned.ts';
import type { Position } from '../../src/verdict/disposition.ts';
import type { Action } from '../../src/verdict/rules.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { door, noViolations, Parts } from './parts.ts';

const message = Buffer.from(
  'Received: by mx.example.org (Postfix, from userid 1000)\r\n' +
    '\tid 4dXyRt3Gz5z1n7P; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)\r\n' +
    'Subject: x\r\n\r\nbody\r\n',
);
const later: RelayResult = { kind: 'reply', reply: reply(451, '4.3.0', 'Later') };
const never: RelayResult = { kind: 'reply', reply: reply(554, '5.7.1', 'Not wanted') };
const actions: readonly Action[] = ['pass', 'tag', 'quarantine', 'reject', 'discard', 'defer'];

/** A rule for the recipients whose address begins with the name of its action. */
function ruleFor(action: Action): BannedRule {
  const all = { names: ['*'], types: [], realTypes: [], tricks: [], unlisted: false };
  const where = { inArchives: true, listeners: [], senders: [], recipients: [`${action}*`] };
  return { name: action, action, ...all, ...where };
}

class World {
  readonly parts: Parts;
  readonly engine: Engine;
  /** Recipients of the last transaction that were accepted. */
  takenAtRcpt: string[] = [];
  readonly #flavour: 'smtp' | 'lmtp';

  constructor(flavour: 'smtp' | 'lmtp', position: Position = 'after-queue') {
    this.#flavour = flavour;
    this.parts = new Parts(flavour);
    const { clock, scanner } = this.parts;
    scanner.findings = [{ kind: 'banned', rules: actions, stream: '1', detail: 'x' }];
    const ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    this.engine = new Engine(
      { ...door, flavour, position },
      this.parts.engineParts({
        banned: actions.map(ruleFor),
        handovers: someHandovers(clock, { ledger }),
        scans: new Scans({ scanner, ledger, clock }),
      }),
    );
  }

  /** One transaction; what the peer hears at the end. */
  send(...recipients: string[]): Promise<string[]> {
    return this.sendAs({}, recipients);
  }

  async sendAs(client: Client, recipients: readonly string[]): Promise<string[]> {
    const transaction = this.engine.begin(client, { address: 'a@example.net', parameters: [] });
    await transaction.open();
    this.takenAtRcpt = [];
    for (const address of recipients) {
      const answer = await transaction.recipient({ address, parameters: [] });
      if (isAccepted(answer)) this.takenAtRcpt.push(address);
    }
    expect(transaction.data()).toBeUndefined();
    await transaction.write(message);
    const answers = await transaction.finish(noViolations);
    return answers.map((answer) => {
      const { code, enhanced } = render(answer, 'after-queue');
      return `${code} ${enhanced}`;
    });
  }

  get sentTo(): string[][] {
    return this.parts.nextHop.sent.map(({ recipients }) => [...recipients]);
  }

  async kept(): Promise<string[][]> {
    const kept: string[][] = [];
    for (const entry of await this.parts.quarantine.list()) {
      if (entry.kind !== 'whole') continue;
      kept.push(entry.record.envelope.recipients.map(({ address }) => address));
    }
    return kept;
  }

  get isLmtp(): boolean {
    return this.#flavour === 'lmtp';
  }
}

describe('recipients whose rules differ, over LMTP, each hear of their own', () => {
  it.each<[string[], string[], string[][], string[][]]>([
    [['pass', 'quarantine'], ['250 2.0.0', '250 2.7.0'], [['pass']], [['quarantine']]],
    [['quarantine', 'pass'], ['250 2.7.0', '250 2.0.0'], [['pass']], [['quarantine']]],
    [['pass', 'reject'], ['250 2.0.0', '550 5.7.1'], [['pass']], []],
    [['defer', 'pass'], ['451 4.7.1', '250 2.0.0'], [['pass']], []],
    [['discard', 'tag', 'pass'], ['250 2.7.0', '250 2.0.0', '250 2.0.0'], [['tag', 'pass']], []],
    [['other', 'quarantine'], ['250 2.0.0', '250 2.7.0'], [['other']], [['quarantine']]],
    [['reject', 'defer'], ['550 5.7.1', '451 4.7.1'], [], []],
    [['quarantine', 'quarantine2'], ['250 2.7.0'], [], [['quarantine', 'quarantine2']]],
  ])('%j', async (recipients, said, sent, kept) => {
    const world = new World('lmtp');
    expect(await world.send(...recipients)).toEqual(said);
    expect([world.sentTo, await world.kept()]).toEqual([sent, kept]);
  });
});

describe('recipients whose rules differ, over SMTP, have one reply that is true of all', () => {
  it.each<[string[], string, string[][], string[][]]>([
    [['pass', 'quarantine'], '250 2.0.0', [['pass']], [['quarantine']]],
    [['pass', 'reject'], '250 2.0.0', [['pass']], [['reject']]],
    [['pass', 'reject', 'quarantine'], '250 2.0.0', [['pass']], [['reject', 'quarantine']]],
    [['defer', 'pass', 'reject', 'quarantine'], '451 4.7.1', [], []],
    [['discard', 'pass'], '250 2.0.0', [['pass']], []],
    [['discard', 'quarantine'], '250 2.7.0', [], [['quarantine']]],
    [['tag', 'pass'], '250 2.0.0', [['tag', 'pass']], []],
    [['reject', 'reject2'], '550 5.7.1', [], []],
  ])('%j', async (recipients, said, sent, kept) => {
    const world = new World('smtp');
    expect(await world.send(...recipients)).toEqual([said]);
    expect([world.sentTo, await world.kept()]).toEqual([sent, kept]);
  });
});

describe('before the queue what one may not have nobody gets, and the sender hears so', () => {
  it.each<[string[], string, string[][]]>([
    [['pass', 'quarantine'], '550 5.7.1', []],
    [['pass', 'reject'], '550 5.7.1', []],
    [['defer', 'pass', 'reject', 'quarantine'], '451 4.7.1', []],
    [['discard', 'pass'], '250 2.0.0', [['pass']]],
    [['discard', 'quarantine'], '550 5.7.1', []],
    [['tag', 'pass'], '250 2.0.0', [['tag', 'pass']]],
    [['reject', 'reject2'], '550 5.7.1', []],
  ])('%j', async (recipients, said, sent) => {
    const world = new World('smtp', 'before-queue');
    expect(await world.send(...recipients)).toEqual([said]);
    expect([world.sentTo, await world.kept()]).toEqual([sent, []]);
  });
});

test('what is for anyone with a word in the header has it for all', async () => {
  const world = new World('smtp');
  await world.send('pass', 'tag');
  expect(world.parts.nextHop.sent[0]?.bytes.toString()).toMatch(/^X-Virus-Scanned: .*\(banned\)/);
});

test('the record says what became of whom', async () => {
  const world = new World('smtp');
  await world.send('pass', 'quarantine', 'pass2');
  expect(world.parts.records[0]).toMatchObject({
    outcome: 'relayed',
    verdict: 'banned',
    detail: 'quarantined for 1, relayed for 2',
    recipients: [{}, { address: 'quarantine', outcome: 'quarantined' }, {}],
  });
  expect(world.parts.records[0]?.quarantineId).toBeDefined();
});

describe.each(['smtp', 'lmtp'] as const)('a retry over %s', (flavour) => {
  it('of one that was kept for some and put off for others repeats neither', async () => {
    const world = new World(flavour);
    world.parts.nextHop.dot = later;
    const first = await world.send('quarantine', 'pass');
    expect(first).toEqual(world.isLmtp ? ['250 2.7.0', '451 4.3.0'] : ['451 4.3.0']);
    world.parts.nextHop.dot = { kind: 'reply', reply: reply(250, '2.0.0', 'Ok') };
    world.parts.nextHop.sent.length = 0;
    const second = await world.send('quarantine', 'pass');
    expect(second).toEqual(world.isLmtp ? ['250 2.7.0', '250 2.0.0'] : ['250 2.0.0']);
    expect([world.sentTo, await world.kept()]).toEqual([[['pass']], [['quarantine']]]);
  });

  it('of one that was delivered to some and kept for others does nothing more', async () => {
    const world = new World(flavour);
    const first = await world.send('quarantine', 'pass', 'discard');
    expect(await world.send('quarantine', 'pass', 'discard')).toHaveLength(first.length);
    expect([world.sentTo, await world.kept()]).toEqual([[['pass']], [['quarantine']]]);
  });

  it('of one that could not be kept: nobody else had it, or it is theirs alone', async () => {
    const world = new World(flavour);
    world.parts.files.failAt({ at: 1, kind: 'ENOSPC', persistent: true });
    const said = await world.send('quarantine', 'pass');
    expect(said).toEqual(world.isLmtp ? ['452 4.3.1', '250 2.0.0'] : ['452 4.3.1']);
    expect(world.sentTo).toEqual(world.isLmtp ? [['pass']] : []);
  });
});

describe('the next hop refuses for good those to whom it was relayed', () => {
  const postfix = { ident: '4dXyRt3Gz5z1n7P' };

  it.each<[string[], string[], string[]]>([
    [['quarantine', 'pass'], ['quarantine'], ['pass']],
    [['pass', 'quarantine'], ['pass'], ['quarantine']],
    [['discard', 'pass', 'tag'], ['discard'], ['pass', 'tag']],
    [['reject', 'pass'], ['reject'], ['pass']],
  ])('over SMTP, %j: all come again, and apart', async (recipients, first, rest) => {
    const world = new World('smtp');
    world.parts.nextHop.dot = never;
    expect(await world.sendAs(postfix, recipients)).toEqual(['452 4.5.3']);
    const saidOf = (taken: string[]): string => {
      return taken.includes('pass') ? '554 5.7.1' : '250 2.7.0';
    };
    expect(await world.sendAs(postfix, recipients)).toEqual([saidOf(first)]);
    expect(world.takenAtRcpt).toEqual(first);
    expect(await world.sendAs(postfix, rest)).toEqual([saidOf(rest)]);
    expect(world.takenAtRcpt).toEqual(rest);
    // Nobody is kept once more.
    expect((await world.kept()).length).toBe(recipients.includes('discard') ? 0 : 1);
  });

  it.each<[string, Client]>([
    ['without IDENT', {}],
    ['requeued under another name', { ident: '4dXyRt3Gz5z1n7Q' }],
  ])('over SMTP, %s, they could not be told apart: all are refused', async (_, client) => {
    const world = new World('smtp');
    world.parts.nextHop.dot = never;
    expect(await world.sendAs(client, ['quarantine', 'pass'])).toEqual(['554 5.7.1']);
    expect(world.parts.records[0]).toMatchObject({ outcome: 'rejected' });
    expect(await world.kept()).toEqual([['quarantine']]);
  });

  it('over SMTP, and nobody has it: they are refused in its own words', async () => {
    const world = new World('smtp');
    world.parts.nextHop.dot = never;
    expect(await world.sendAs(postfix, ['pass', 'tag'])).toEqual(['554 5.7.1']);
  });

  it('over LMTP each hears of his own', async () => {
    const world = new World('lmtp');
    world.parts.nextHop.dot = never;
    expect(await world.sendAs(postfix, ['quarantine', 'pass'])).toEqual(['250 2.7.0', '554 5.7.1']);
  });
});
