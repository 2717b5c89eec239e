/** What a peer that comes again is told, through whole transactions. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Engine } from '../../src/engine/engine.ts';
import { Scans } from '../../src/engine/scans.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import { render } from '../../src/listener/render.ts';
import { defaultLimits } from '../../src/limits.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { defaultRules, type Rules } from '../../src/verdict/rules.ts';
import { accepted } from '../support/stand-ins.ts';
import { door, noViolations, Parts } from './parts.ts';

const message = Buffer.from(
  'Received: by mx.example.org (Postfix, from userid 1000)\r\n' +
    '\tid 4dXyRt3Gz5z1n7P; Sat, 21 Nov 2026 10:00:00 +0000 (UTC)\r\n' +
    'Subject: x\r\n\r\nbody\r\n',
);
const later: RelayResult = { kind: 'reply', reply: reply(451, '4.3.0', 'Later') };
const lost: RelayResult = { kind: 'unknown', detail: 'no reply' };
const infected = { kind: 'infected', stream: 'message', detail: 'Eicar' } as const;

describe.each(['smtp', 'lmtp'] as const)('a retry over %s', (flavour) => {
  let parts: Parts;
  let ledger: MemoryLedger;
  let engine: Engine;
  let attempts = 0;

  beforeEach(() => {
    parts = new Parts(flavour);
    ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    engine = started();
  });

  function started(inDoubt: 'retry' | 'hold' = 'retry', rules: Partial<Rules> = {}): Engine {
    const { clock, scanner } = parts;
    const names = { newAttempt: () => `a${++attempts}` };
    return new Engine(
      { ...door, flavour },
      parts.engineParts({
        rules: { ...defaultRules, ...rules },
        handovers: someHandovers(clock, { ledger, inDoubt, ...names }),
        scans: new Scans({ scanner, ledger, clock }),
      }),
    );
  }

  /** One transaction; what the peer hears at the end. */
  async function send(...recipients: string[]): Promise<string[]> {
    const transaction = engine.begin({}, { address: 'a@example.net', parameters: [] });
    await transaction.open();
    for (const address of recipients) {
      await transaction.recipient({ address, parameters: [] });
    }
    expect(transaction.data()).toBeUndefined();
    await transaction.write(message);
    const answers = await transaction.finish(noViolations);
    return answers.map((answer) => {
      const { code, enhanced } = render(answer, 'after-queue');
      return `${code} ${enhanced}`;
    });
  }

  const outcomes = (): string[] => parts.records.map(({ outcome }) => outcome);
  const sentTo = (): string[][] => parts.nextHop.sent.map(({ recipients }) => [...recipients]);
  const each = (said: string, count: number): string[] =>
    Array.from({ length: flavour === 'lmtp' ? count : 1 }, () => said);

  test('of what was accepted: the same answer, sent once, scanned once', async () => {
    expect(await send('b', 'c')).toEqual(each('250 2.0.0', 2));
    expect(await send('b', 'c')).toEqual(each('250 2.0.0', 2));
    expect([outcomes(), sentTo()]).toEqual([['relayed', 'repeated'], [['b', 'c']]]);
    expect(parts.records[1]).toMatchObject({ findings: [], coverage: 'none' });
    expect(parts.records[1]?.verdict).toBeUndefined();
  });

  test('with one recipient more: only that one is sent to', async () => {
    await send('b');
    expect(await send('b', 'c')).toEqual(each('250 2.0.0', 2));
    expect(sentTo()).toEqual([['b'], ['c']]);
  });

  test('with one recipient more, which is put off', async () => {
    await send('b');
    parts.nextHop.dot = later;
    expect(await send('b', 'c')).toEqual(
      flavour === 'lmtp' ? ['250 2.0.0', '451 4.3.0'] : ['451 4.3.0'],
    );
    parts.nextHop.dot = accepted;
    expect(await send('b', 'c')).toEqual(each('250 2.0.0', 2));
    expect(outcomes().at(-1)).toBe('relayed');
  });

  test('where the queue id is known at RCPT, who has it comes apart from who has not', async () => {
    const client = { ident: '4dXyRt3Gz5z1n7P' };
    await send('b');
    const transaction = engine.begin(client, { address: 'a@example.net', parameters: [] });
    await transaction.open();
    const codes: number[] = [];
    for (const address of ['b', 'c', 'b']) {
      const answer = await transaction.recipient({ address, parameters: [] });
      codes.push(render(answer, 'after-queue').code);
    }
    // Over LMTP each has a reply of its own anyway.
    expect(codes).toEqual(flavour === 'smtp' ? [250, 452, 250] : [250, 250, 250]);
    transaction.abandon();
  });

  test.each<[string, string[], RelayResult, number[]]>([
    ['a refused one holds nobody up', ['c', 'b'], later, [451, 250]],
    ['an accepted one goes first', ['c', 'b'], accepted, [250, 452]],
    ['two that are accepted, and one between', ['c', 'b', 'd'], accepted, [250, 452, 250]],
  ])('who has it, named at once with who has not: %s', async (_, names, result, expected) => {
    await send('b');
    parts.nextHop.recipient = (address) => (address === 'c' ? result : accepted);
    const client = { ident: '4dXyRt3Gz5z1n7P' };
    const transaction = engine.begin(client, { address: 'a@example.net', parameters: [] });
    const opened = transaction.open();
    const answers = await Promise.all(
      names.map((address) => transaction.recipient({ address, parameters: [] })),
    );
    await opened;
    // Over LMTP each has a reply of its own, and hears the next hop.
    const refusals = result === later ? [451, 250] : names.map(() => 250);
    const codes = answers.map((answer) => render(answer, 'after-queue').code);
    expect(codes).toEqual(flavour === 'smtp' ? expected : refusals);
    transaction.abandon();
  });

  test('of what is in custody: taken, and not kept twice', async () => {
    parts.scanner.findings = [infected];
    expect(await send('b', 'c')).toEqual(['250 2.7.0']);
    parts.scanner.findings = [];
    expect(await send('b', 'c')).toEqual(each('250 2.7.0', 2));
    expect([sentTo(), (await parts.quarantine.list()).length]).toEqual([[], 1]);
  });

  test('of what is in custody, with one recipient more: only that one is kept again', async () => {
    parts.scanner.findings = [infected];
    await send('b');
    await send('b', 'c');
    const records = (await parts.quarantine.list()).map((item) =>
      item.kind === 'whole' ? item.record.envelope.recipients.map(({ address }) => address) : [],
    );
    expect(records.sort()).toEqual([['b'], ['c']]);
  });

  test('of what is in doubt, where the rule is to hold: put off, and sent nowhere', async () => {
    engine = started('hold');
    parts.nextHop.dot = lost;
    expect(await send('b')).toEqual(['451 4.3.0']);
    parts.nextHop.dot = accepted;
    expect(await send('b')).toEqual(['451 4.3.0']);
    expect([outcomes(), sentTo().length]).toEqual([['deferred', 'deferred'], 1]);
  });

  test('of what is in doubt, beside another recipient', async () => {
    engine = started('hold');
    parts.nextHop.dot = lost;
    await send('b');
    parts.nextHop.dot = accepted;
    // An SMTP peer hears one reply and will come again, so nothing is begun.
    expect(await send('b', 'c')).toEqual(
      flavour === 'lmtp' ? ['451 4.3.0', '250 2.0.0'] : ['451 4.3.0'],
    );
    expect(sentTo().length).toBe(flavour === 'lmtp' ? 2 : 1);
  });

  test.each(['quarantine', 'discard', 'reject'] as const)(
    'of what is in doubt, beside another recipient, and found infected by now (%s)',
    async (infectedRule) => {
      engine = started('hold');
      parts.nextHop.dot = lost;
      await send('b');
      // Scanned again, with newer signatures.
      engine = started('hold', { infected: infectedRule });
      parts.scanner.findings = [infected];
      const done = infectedRule === 'reject' ? '550 5.7.1' : '250 2.7.0';
      // Nobody has taken it for the first one: it must not be told so.
      expect(await send('b', 'c')).toEqual(
        flavour === 'lmtp' ? ['451 4.3.0', done] : ['451 4.3.0'],
      );
    },
  );

  test('of what was accepted, beside another recipient, and refused by now', async () => {
    await send('b');
    engine = started('retry', { infected: 'reject' });
    parts.scanner.findings = [infected];
    // A refusal would bounce what was delivered: the rest is kept instead.
    expect(await send('b', 'c')).toEqual(
      flavour === 'lmtp' ? ['250 2.0.0', '550 5.7.1'] : ['250 2.0.0'],
    );
    expect(await parts.quarantine.list()).toHaveLength(flavour === 'lmtp' ? 0 : 1);
  });

  test('of a message that broke its scan too often: set apart, and not scanned', async () => {
    ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    engine = started();
    await send('x');
    const digest = parts.records[0]?.digest ?? '';
    for (let n = 0; n < defaultLimits.brokenScansMax; n++) {
      ledger.scanBegan(digest);
    }
    expect(await send('b')).toEqual(['250 2.7.0']);
    expect(parts.records[1]).toMatchObject({
      outcome: 'quarantined',
      verdict: 'unscannable',
      coverage: 'none',
    });
    expect(parts.scanner.open).toBe(0);
  });

  test('a ledger that cannot be written: put off for the disk, and nothing sent', async () => {
    ledger.failAt({ at: 1, kind: 'refused', persistent: true });
    expect(await send('b')).toEqual(['452 4.3.1']);
    expect(sentTo()).toEqual([]);
  });

  test('a ledger that cannot be written: what is in custody is taken, and not kept again and again', async () => {
    parts.scanner.findings = [infected];
    ledger.failAt({ at: 1, kind: 'refused', persistent: true });
    expect(await send('b', 'c')).toEqual(['250 2.7.0']);
    expect(await parts.quarantine.list()).toHaveLength(1);
  });
});
