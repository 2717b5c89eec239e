/** A next hop that drops the connection while recipients are named: what was promised is kept. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Cancelled } from '../../src/errors.ts';
import type { Delivery } from '../../src/relay/next-hop.ts';
import type { Failure, Step } from '../support/fake-next-hop.ts';
import { chunks, inShort, never, path, Rig, turn, turnsUntil } from './rig.ts';

const client = { name: 'mx.example' };
const message = () => chunks('x\r\n');
const addresses = (recipients: readonly { address: string }[] = []) =>
  recipients.map(({ address }) => address);

async function named(delivery: Delivery, address: string): Promise<string> {
  return inShort(await delivery.recipient(path(address)));
}

/** A delivery whose recipients got these answers, each asked when the one before was answered. */
async function answered(rig: Rig, codes: readonly number[], signal = never): Promise<Delivery> {
  const { delivery } = rig.begin({ client, to: [], signal });
  await delivery.mail;
  for (const [index, code] of codes.entries()) {
    if (code !== 250) rig.fake.at('rcpt', { reply: `${code} no` }, { times: 1 });
    expect(await named(delivery, `${code}-${index}@x.org`)).toBe(`reply ${code}`);
  }
  return delivery;
}

describe('a connection that is dropped', () => {
  const farewell = { reply: '421 4.4.2 timeout exceeded' };
  const drops: Record<string, (rig: Rig) => unknown> = {
    'before RCPT by FIN': (rig) => rig.fake.hangUp(),
    'before RCPT by 421': (rig) => rig.fake.hangUp(farewell.reply),
    'at RCPT by FIN': (rig) => rig.fake.at('rcpt', 'drop', { times: 1 }),
    'at RCPT by RST': (rig) => rig.fake.at('rcpt', 'reset', { times: 1 }),
    'at RCPT by 421': (rig) => rig.fake.at('rcpt', farewell, { times: 1 }),
  };
  const answers: readonly number[][] = [[], [250], [550], [250, 450, 250], [550, 250]];

  interface Replay {
    readonly step?: Step;
    readonly failure?: Failure;
    /** Whether it is the new recipient's RCPT that fails, not that of one accepted before. */
    readonly last?: boolean;
    /** What the new recipient comes to, and the message where there are others. */
    readonly expected: readonly [string, string];
  }
  const failed = ['unreachable', 'unreachable'] as const;
  const refusal = { reply: '550 5.1.1 not now' };
  const replays: readonly Replay[] = [
    { expected: ['reply 250', 'reply 250'] },
    { step: 'connect', failure: 'drop', expected: failed },
    { step: 'greeting', failure: refusal, expected: failed },
    { step: 'hello', failure: 'reset', expected: failed },
    { step: 'mail', failure: refusal, expected: failed },
    { step: 'mail', failure: 'drop', expected: failed },
    { step: 'rcpt', failure: { reply: '450 4.2.1 later' }, expected: failed },
    { step: 'rcpt', failure: refusal, expected: failed },
    { step: 'rcpt', failure: 'drop', expected: failed },
    { step: 'rcpt', failure: 'nonsense', expected: failed },
    { step: 'rcpt', failure: refusal, last: true, expected: ['reply 550', 'reply 250'] },
    // Then it is DATA that opens it for the last time.
    { step: 'rcpt', failure: 'drop', last: true, expected: ['unreachable', 'reply 250'] },
    { step: 'rcpt', failure: 'nonsense', last: true, expected: failed },
  ];
  const rows = Object.keys(drops).flatMap((drop) =>
    answers.flatMap((before) =>
      replays
        .filter(({ step, last }) => step !== 'rcpt' || last === true || before.includes(250))
        .map((replay) => ({ drop, before, ...replay })),
    ),
  );

  test.each(rows)(
    '$drop after $before, replayed with $failure at $step: $expected',
    async (row) => {
      const rig = await Rig.start();
      const delivery = await answered(rig, row.before);
      await drops[row.drop]?.(rig);
      const accepted = row.before.flatMap((code, at) => (code === 250 ? [`250-${at}@x.org`] : []));
      const dropped = row.drop.startsWith('at RCPT') ? 1 : 0;
      const skip = row.step === 'rcpt' ? dropped + (row.last ? accepted.length : 0) : 0;
      if (row.step && row.failure) rig.fake.at(row.step, row.failure, { skip, times: 1 });

      const [last, whole] = row.expected;
      expect(await named(delivery, 'new@x.org')).toBe(last);
      expect(rig.fake.connections).toHaveLength(2);
      if (last === 'reply 250') accepted.push('new@x.org');
      if (accepted.length === 0) {
        delivery.abort();
        return;
      }
      // What has failed stays so, however well the next hop is now.
      rig.fake.recover();
      const sent = await delivery.send(message, never);
      expect(sent.map(inShort)).toEqual([whole]);
      const arrived = rig.fake.messages.map(({ recipients }) => addresses(recipients));
      expect(arrived).toEqual(whole === 'reply 250' ? [accepted] : []);
    },
  );
});

test('a new connection that is dropped before MAIL is answered is not opened again', async () => {
  const rig = await Rig.start();
  rig.fake.at('mail', 'drop', { times: 1 });
  const { delivery, recipients } = rig.begin();
  expect(inShort(await delivery.mail)).toBe('unreachable');
  expect((await recipients).map(inShort)).toEqual(['unreachable']);
  expect(await named(delivery, 'c@x.org')).toBe('unreachable');
  expect(rig.fake.connections).toHaveLength(1);
});

describe('recipients that wait together when the connection is dropped', () => {
  const to = ['b@x.org', 'c@x.org', 'd@x.org'];

  test.each([0, 1, 2])('%i of them answered, are replayed once, in their order', async (skip) => {
    const rig = await Rig.start({ flavour: 'lmtp' });
    rig.fake.at('rcpt', 'drop', { skip, times: 1 });
    const { delivery, recipients } = rig.begin({ client, to });
    expect((await recipients).map(inShort)).toEqual(['reply 250', 'reply 250', 'reply 250']);
    expect(await named(delivery, 'e@x.org')).toBe('reply 250');
    rig.fake.at('dot', { reply: '452 4.2.2 full' }, { skip: 1, times: 1 });
    const sent = await delivery.send(message, never);
    expect(sent.map(inShort)).toEqual(['reply 250', 'reply 452', 'reply 250', 'reply 250']);
    expect(rig.fake.connections).toHaveLength(2);
    expect(rig.fake.connections[1]?.commands).toEqual([
      'LHLO gate.example',
      'XFORWARD NAME=mx.example',
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<b@x.org>',
      'RCPT TO:<c@x.org>',
      'RCPT TO:<d@x.org>',
      'RCPT TO:<e@x.org>',
      'DATA',
    ]);
  });

  test('and are dropped again are not asked a third time', async () => {
    const rig = await Rig.start();
    rig.fake.at('rcpt', 'drop', { times: 1 }).at('rcpt', 'drop', { skip: 2, times: 1 });
    const { delivery, recipients } = rig.begin({ to });
    expect((await recipients).map(inShort)).toEqual(['reply 250', 'unreachable', 'unreachable']);
    expect(await named(delivery, 'e@x.org')).toBe('unreachable');
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['reply 250']);
    expect(addresses(rig.fake.messages[0]?.recipients)).toEqual(['b@x.org']);
    expect(rig.fake.connections).toHaveLength(3);
  });

  test('in the read that brings an answer to one of them, keep that answer', async () => {
    const rig = await Rig.start();
    rig.fake.at('rcpt', 'stall', { times: 1 });
    const { delivery, recipients } = rig.begin({ to });
    await rig.fake.until(() => rig.fake.failed === 1);
    rig.fake.speak('550 5.1.1 no\r\n250 2.1.5 Ok\r\n421 4.4.2 timeout\r\n');
    expect((await recipients).map(inShort)).toEqual(['reply 550', 'reply 250', 'reply 250']);
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['reply 250']);
    expect(addresses(rig.fake.messages[0]?.recipients)).toEqual(['c@x.org', 'd@x.org']);
  });

  test('and those that are named while it is opened again go by the new one', async () => {
    const rig = await Rig.start();
    const delivery = await answered(rig, [250]);
    await rig.fake.hangUp();
    rig.fake.at('hello', 'hold', { times: 1 });
    const first = named(delivery, 'c@x.org');
    const second = named(delivery, 'd@x.org');
    await rig.fake.until(() => rig.fake.failed === 1);
    const third = named(delivery, 'e@x.org');
    rig.fake.recover();
    expect(await Promise.all([first, second, third])).toEqual(Array(3).fill('reply 250'));
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.messages[0]?.recipients).toHaveLength(4);
    expect(rig.fake.connections).toHaveLength(2);
  });
});

describe('a delivery that is called off while its connection is opened again', () => {
  const steps: Step[] = ['greeting', 'hello', 'xforward', 'mail', 'rcpt'];

  test.each(steps)('by its signal at %s is not opened a third time', async (step) => {
    const rig = await Rig.start();
    const cancel = new AbortController();
    const delivery = await answered(rig, [250], cancel.signal);
    await rig.fake.hangUp();
    rig.fake.at(step, 'stall');
    const last = named(delivery, 'c@x.org');
    await rig.fake.until(() => rig.fake.failed === 1);
    cancel.abort(new Cancelled('peer-gone'));
    expect(await last).toBe('unreachable');
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['unreachable']);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.connections).toHaveLength(2);
  });

  test.each(steps)('by abort() at %s leaves nothing behind', async (step) => {
    const rig = await Rig.start();
    const delivery = await answered(rig, [250]);
    await rig.fake.hangUp();
    rig.fake.at(step, 'hold');
    const last = named(delivery, 'c@x.org');
    await rig.fake.until(() => rig.fake.failed > 0);
    delivery.abort();
    rig.fake.recover();
    await last;
    expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
  });

  test('by abort() before the replay is refused, gives the connection back', async () => {
    const rig = await Rig.start();
    const delivery = await answered(rig, [250, 250]);
    await rig.fake.hangUp();
    rig.fake.at('rcpt', 'hold', { times: 1 }).at('rcpt', { reply: '550 5.1.1 no' }, { times: 1 });
    const last = named(delivery, 'c@x.org');
    await rig.fake.until(() => rig.fake.failed === 2);
    delivery.abort();
    rig.fake.recover();
    expect(await last).toBe('unreachable');
    await rig.hears('250 2.0.0 Reset', 1);
    expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.connections).toHaveLength(2);
  });

  test.each(['abort()', 'its signal'])('by %s just before is not opened at all', async (by) => {
    const rig = await Rig.start();
    const cancel = new AbortController();
    const delivery = await answered(rig, [250], cancel.signal);
    await rig.fake.hangUp();
    await turnsUntil(() => rig.sockets[0]?.closed === true);
    const last = named(delivery, 'c@x.org');
    if (by === 'abort()') delivery.abort();
    else cancel.abort(new Cancelled('deadline'));
    expect(await last).toBe('unreachable');
    expect(rig.fake.connections).toHaveLength(1);
  });

  test('or was given up before the reused connection died at MAIL, opens no other', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    rig.fake.at('mail', 'stall', { times: 1 });
    const { delivery } = rig.begin();
    await rig.fake.until(() => rig.fake.failed === 1);
    delivery.abort();
    await rig.fake.hangUp();
    expect(inShort(await delivery.mail)).toBe('unreachable');
    await turn();
    expect(rig.sockets).toHaveLength(1);
  });
});

/** What a next hop does, and how its client names recipients. */
interface Course {
  readonly flavour: 'smtp' | 'lmtp';
  /** Whether it begins on a connection that has served before. */
  readonly reused: boolean;
  /** At the N-th command line, over all connections. */
  readonly drops: readonly { nth: number; how: Failure }[];
  readonly refusals: readonly { step: Step; nth: number; code: number }[];
  /** Recipients that are named at once, and whether the next hop hangs up before. */
  readonly groups: readonly { size: number; idle: boolean }[];
  readonly idleBeforeData: boolean;
}

const addressesOf = (groups: Course['groups']): string[][] =>
  groups.map(({ size }, group) => Array.from({ length: size }, (_, at) => `${group}-${at}@x.org`));

/** Plays a course to its end. @returns what our peer was told, and what the next hop got. */
async function play(course: Course) {
  const rig = await Rig.start({ flavour: course.flavour });
  if (course.reused) await rig.deliver({ to: ['before@x.org'] });
  for (const { nth, how } of course.drops) rig.fake.at('command', how, { skip: nth, times: 1 });
  for (const { step, nth, code } of course.refusals) {
    rig.fake.at(step, { reply: `${code} no` }, { skip: nth, times: 1 });
  }
  const { delivery } = rig.begin({ client, to: [] });
  if (course.groups[0]?.idle === true) await delivery.mail;
  const promised: string[] = [];
  for (const [index, group] of addressesOf(course.groups).entries()) {
    if (course.groups[index]?.idle === true) await rig.fake.hangUp();
    const results = await Promise.all(group.map((address) => named(delivery, address)));
    promised.push(...group.filter((_, at) => results[at] === 'reply 250'));
  }
  if (course.idleBeforeData) await rig.fake.hangUp();
  if (promised.length === 0) delivery.abort();
  const sent = promised.length > 0 ? await delivery.send(message, never) : [];
  const messages = rig.fake.messages.slice(course.reused ? 1 : 0);
  const arrived = messages.map(({ recipients }) => addresses(recipients));
  await rig.stop();
  return { promised, sent: sent.map(inShort), arrived };
}

describe('whatever the next hop drops and refuses', () => {
  const how = fc.constantFrom<Failure>('drop', 'reset', { reply: '421 4.4.2 timeout' });
  const flavour = fc.constantFrom('smtp' as const, 'lmtp' as const);
  const group = fc.record({ size: fc.integer({ min: 1, max: 3 }), idle: fc.boolean() });
  const groups = fc.array(group, { minLength: 1, maxLength: 4 });
  const refusal = fc.record({
    step: fc.constantFrom<Step>('mail', 'rcpt', 'rcpt', 'rcpt', 'data'),
    nth: fc.nat(8),
    code: fc.constantFrom(450, 550),
  });
  const course: fc.Arbitrary<Course> = fc.record({
    flavour,
    reused: fc.boolean(),
    drops: fc.array(fc.record({ nth: fc.nat(20), how }), { maxLength: 3 }),
    refusals: fc.array(refusal, { maxLength: 3 }),
    groups,
    idleBeforeData: fc.boolean(),
  });

  test('those that were told 250, and only those, get the message, or it is deferred', async () => {
    await fc.assert(
      fc.asyncProperty(course, async (one) => {
        const { promised, sent, arrived } = await play(one);
        const answers = one.flavour === 'lmtp' ? promised.length : Math.min(promised.length, 1);
        expect(sent).toHaveLength(answers);
        expect(new Set(sent).size).toBeLessThanOrEqual(1);
        expect(arrived).toEqual(sent.includes('reply 250') ? [promised] : []);
      }),
      { numRuns: 300 },
    );
  });

  test('one drop, wherever it comes once MAIL was accepted, is unseen', async () => {
    await fc.assert(
      fc.asyncProperty(flavour, groups, fc.nat(12), how, async (hop, some, at, by) => {
        const still = some.map(({ size }) => ({ size, idle: false }));
        const count = addressesOf(still).flat().length;
        // EHLO, XFORWARD and MAIL come before; DATA comes last.
        const drops = [{ nth: 3 + (at % (count + 1)), how: by }];
        const quiet = { flavour: hop, reused: false, refusals: [], idleBeforeData: false };
        const { promised, sent, arrived } = await play({ ...quiet, drops, groups: still });
        expect(promised).toEqual(addressesOf(still).flat());
        expect(new Set(sent)).toEqual(new Set(['reply 250']));
        expect(arrived).toEqual([promised]);
      }),
      { numRuns: 100 },
    );
  });
});
