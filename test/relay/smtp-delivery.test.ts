import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { ImpossibleState } from '../../src/assert.ts';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import type { Failure, Step } from '../support/fake-next-hop.ts';
import { chunks, inShort, limits, never, path, Rig, turn, turnsUntil } from './rig.ts';

const client = { name: 'mx.example' };
const message = () => chunks('x\r\n');

const block = Buffer.alloc(1 << 16, 'x\r\n');

/** Content without end: it is over only when its reader has had enough. */
async function* endless(): AsyncIterable<Buffer> {
  for (;;) {
    await turn();
    yield block;
  }
}

/** A delivery with a recipient that was accepted. */
async function accepted(rig: Rig, signal = never) {
  const { delivery, recipients } = rig.begin({ client, signal });
  expect((await recipients).map(inShort)).toEqual(['reply 250']);
  return delivery;
}

describe('a next hop that fails', () => {
  const failures: Record<string, Failure> = {
    stall: 'stall',
    drop: 'drop',
    reset: 'reset',
    nonsense: 'nonsense',
    '1xx': { reply: '150 wait' },
    '4xx': { reply: '450 4.2.0 later' },
    '5xx': { reply: '550 5.7.1 no' },
    '421': { reply: '421 4.3.2 going down' },
  };
  const atMail = ['unreachable', 'unreachable'];
  const atRecipient = ['reply 250', 'unreachable'];
  const beforeDot = ['reply 250', 'reply 250', 'unreachable'];
  const afterDot = ['reply 250', 'reply 250', 'unknown'];
  const sent = (code: number) => ['reply 250', 'reply 250', `reply ${code}`];

  /** What MAIL, RCPT and the message come to when it fails every time; `others` unless named. */
  const table: { step: Step; others: string[]; named: Record<string, string[]> }[] = [
    { step: 'connect', others: atMail, named: {} },
    { step: 'greeting', others: atMail, named: {} },
    { step: 'hello', others: atMail, named: {} },
    { step: 'xforward', others: atMail, named: { '4xx': sent(250), '5xx': sent(250) } },
    {
      step: 'mail',
      others: atMail,
      named: { '4xx': ['reply 450', 'reply 450'], '5xx': ['reply 550', 'reply 550'] },
    },
    {
      step: 'rcpt',
      others: atRecipient,
      named: { '4xx': ['reply 250', 'reply 450'], '5xx': ['reply 250', 'reply 550'] },
    },
    { step: 'data', others: beforeDot, named: { '4xx': sent(450), '5xx': sent(550) } },
    { step: 'content', others: beforeDot, named: { '4xx': sent(450), '5xx': sent(550) } },
    {
      step: 'dot',
      others: afterDot,
      named: { '4xx': sent(450), '5xx': sent(550), '421': sent(421) },
    },
  ];
  const rows = table.flatMap(({ step, others, named }) =>
    Object.keys(failures).map((failure) => ({
      step,
      failure,
      expected: named[failure] ?? others,
    })),
  );

  /** @param stalled which of the results comes only because time passes. */
  async function fate(rig: Rig, content: () => AsyncIterable<Buffer>, stalled = -1) {
    const wait = <T>(at: number, result: Promise<T>) =>
      stalled === at ? rig.exhaust(result) : result;
    const { delivery, recipients } = rig.begin({ client });
    const mail = inShort(await wait(0, delivery.mail));
    const [recipient = ''] = (await wait(1, recipients)).map(inShort);
    if (recipient !== 'reply 250') {
      delivery.abort();
      return [mail, recipient];
    }
    const results = await wait(2, delivery.send(content, never));
    return [mail, recipient, ...results.map(inShort)];
  }

  describe.each(['smtp', 'lmtp'] as const)('over %s', (flavour) => {
    test.each(rows)('$failure at $step: $expected', async ({ step, failure, expected }) => {
      const rig = await Rig.start({ flavour });
      const stalls = failure === 'stall';
      // In mid-content it must also stop reading: else all of it could be sent.
      rig.fake.at(step, stalls && step === 'content' ? 'choke' : (failures[failure] ?? 'stall'));
      const stalled = stalls ? expected.findIndex((result) => result.startsWith('un')) : -1;
      expect(await fate(rig, step === 'content' ? endless : message, stalled)).toEqual(expected);
      expect(rig.fake.messages).toHaveLength(step === 'dot' || expected[2] === 'reply 250' ? 1 : 0);

      // Only a connection on which everything was answered serves again.
      const refused = failure === '4xx' || failure === '5xx';
      const reset = refused && ['mail', 'rcpt', 'data'].includes(step);
      const reused = reset || (refused && ['xforward', 'dot'].includes(step));
      if (reset) await rig.hears('250 2.0.0 Reset', 1);
      const { length } = rig.fake.connections;
      rig.fake.recover();
      expect(await fate(rig, message)).toEqual(sent(250));
      expect(rig.fake.connections).toHaveLength(reused ? length : length + 1);
    });
  });

  test('says in the detail why, and nothing of its nonsense', async () => {
    const rig = await Rig.start();
    rig.fake.at('mail', 'nonsense', { times: 1 });
    rig.fake.at('greeting', { reply: '554 5.7.1 who are you' }, { skip: 1, times: 1 });
    rig.fake.at('hello', 'drop', { skip: 1, times: 1 });
    rig.fake.at('mail', 'stall');
    const details: RelayResult[] = [];
    for (let count = 0; count < 3; count++) details.push(await rig.begin().delivery.mail);
    details.push(await rig.exhaust(rig.begin().delivery.mail));
    expect(details).toEqual([
      { kind: 'unreachable', detail: 'nonsense: a line that is not a reply' },
      { kind: 'unreachable', detail: 'refused the connection: 554 5.7.1 who are you' },
      { kind: 'unreachable', detail: 'closed the connection' },
      { kind: 'unreachable', detail: 'gave no answer in 60000 ms' },
    ]);
  });

  test('and is not there at all is unreachable, with the reason', async () => {
    const rig = await Rig.start();
    await rig.fake.stop();
    const { delivery, recipients } = rig.begin();
    expect(await delivery.mail).toEqual({
      kind: 'unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect((await recipients).map(inShort)).toEqual(['unreachable']);
  });

  test('and drips octets without an answer is silent', async () => {
    const rig = await Rig.start();
    rig.fake.at('mail', 'stall');
    const { delivery } = rig.begin();
    await rig.fake.until(() => rig.fake.failed === 1);
    rig.clock.advance(limits.nextHopReplyMs - 1);
    rig.fake.speak('250-2.1.0 soon\r\n');
    await rig.hears('250-2.1.0 soon', 1);
    rig.clock.advance(1);
    expect(inShort(await delivery.mail)).toBe('unreachable');
  });

  test('is waited for anew with each answer, but after the dot only once for all', async () => {
    const rig = await Rig.start({ flavour: 'lmtp' });
    rig.fake.at('rcpt', 'stall', { skip: 1 });
    const { delivery, recipients } = rig.begin({ to: ['b@example.org', 'c@x.org', 'd@x.org'] });
    await rig.hears('250 2.1.5 Ok', 1);
    for (const times of [1, 2]) {
      rig.clock.advance(limits.nextHopReplyMs - 1);
      rig.fake.speak('250 2.1.5 Late\r\n');
      await rig.hears('250 2.1.5 Late', times);
    }
    expect((await recipients).map(inShort)).toEqual(['reply 250', 'reply 250', 'reply 250']);
    // The fake has turned deaf at its second RCPT: it answers DATA and the dot by word of mouth.
    const sent = delivery.send(message, never);
    await rig.fake.until(() => rig.fake.connections[0]?.reads.at(-1) === 'DATA\r\n');
    rig.fake.speak('354 Go\r\n');
    await rig.fake.until(() => rig.fake.connections[0]?.reads.at(-1)?.endsWith('.\r\n') === true);
    rig.clock.advance(limits.nextHopDotMs - 1);
    rig.fake.speak('250 2.0.0 One\r\n');
    await rig.hears('250 2.0.0 One', 1);
    rig.clock.advance(1);
    expect((await sent).map(inShort)).toEqual(['reply 250', 'unknown', 'unknown']);
  });

  test('to read for a while is waited for, and then no longer', async () => {
    const rig = await Rig.start();
    rig.fake.at('content', 'choke');
    const delivery = await accepted(rig);
    const cancel = new AbortController();
    const sent = delivery.send(endless, cancel.signal);
    await rig.fake.until(() => rig.fake.failed === 1);
    const socket = rig.sockets[0];
    const choked = () => (socket?.writableLength ?? 0) > 0;
    await turnsUntil(choked);
    rig.clock.advance(limits.nextHopReplyMs - 1);
    rig.fake.recover();
    const read = rig.fake.connections[0]?.reads.length ?? 0;
    await turnsUntil(() => (rig.fake.connections[0]?.reads.length ?? 0) > read && !choked());
    // With what is sent from here on the wait begins anew.
    rig.clock.advance(1);
    cancel.abort();
    expect(await sent).toEqual([{ kind: 'unreachable', detail: 'cancelled: not-needed' }]);
  });

  test('at MAIL is not asked about recipients that come later', async () => {
    const rig = await Rig.start();
    rig.fake.at('mail', { reply: '450 4.2.0 later' });
    const { delivery } = rig.begin({ to: [] });
    expect(inShort(await delivery.mail)).toBe('reply 450');
    expect(inShort(await delivery.recipient(path('b@example.org')))).toBe('reply 450');
    delivery.abort();
    await rig.hears('250 2.0.0 Reset', 1);
    expect(rig.fake.commands).toEqual(['EHLO gate.example', 'MAIL FROM:<a@example.org>', 'RSET']);
  });
});

test('the latest piece of content waits for the next one, or for the final dot', async () => {
  const rig = await Rig.start();
  const delivery = await accepted(rig);
  const [socket] = rig.sockets;
  const begun = socket?.bytesWritten ?? 0;
  const sent: number[] = [];
  async function* content(): AsyncIterable<Buffer> {
    for await (const piece of chunks('one\r\n', 'two\r\n', 'three\r\n')) {
      yield piece;
      sent.push((socket?.bytesWritten ?? 0) - begun - 'DATA\r\n'.length);
    }
  }
  await delivery.send(content, never);
  expect(sent).toEqual([0, 5, 10]);
  expect(rig.fake.messages.map(({ content: got }) => got.toString())).toEqual([
    'one\r\ntwo\r\nthree\r\n',
  ]);
});

describe('a connection that is dropped while the message is scanned', () => {
  const to = ['b@example.org', 'no@example.org', 'c@example.org'];

  /** A delivery of three recipients, the second of them refused. */
  async function scanning(rig: Rig) {
    rig.fake.at('rcpt', { reply: '550 5.1.1 no such' }, { skip: 1, times: 1 });
    const from = path('a@example.org', 'SIZE=9');
    const { delivery, recipients } = rig.begin({ client, from, to });
    await recipients;
    return delivery;
  }

  test.each([
    { how: 'FIN', drop: (rig: Rig) => rig.fake.hangUp() },
    { how: '421 and FIN', drop: (rig: Rig) => rig.fake.hangUp('421 4.4.2 timeout exceeded') },
    {
      how: '421 in answer to DATA',
      drop: (rig: Rig) => void rig.fake.at('data', { reply: '421 4.4.2 late' }, { times: 1 }),
    },
    {
      how: 'RST in answer to DATA',
      drop: (rig: Rig) => void rig.fake.at('data', 'reset', { times: 1 }),
    },
  ])('by $how is opened again and the envelope replayed unseen', async ({ drop }) => {
    const rig = await Rig.start();
    const delivery = await scanning(rig);
    await drop(rig);
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.connections).toHaveLength(2);
    expect(rig.fake.connections[1]?.commands).toEqual([
      'EHLO gate.example',
      'XFORWARD NAME=mx.example',
      'MAIL FROM:<a@example.org> SIZE=9',
      'RCPT TO:<b@example.org>',
      'RCPT TO:<c@example.org>',
      'DATA',
    ]);
    expect(rig.fake.messages).toHaveLength(1);
  });

  test.each<{ step: Step; failure: Failure; skip?: number; detail: string }>([
    { step: 'connect', failure: 'drop', detail: 'closed the connection' },
    { step: 'greeting', failure: { reply: '554 5.7.1 no' }, detail: '554 5.7.1 no' },
    { step: 'hello', failure: { reply: '450 4.7.0 no' }, detail: '450 4.7.0 no' },
    { step: 'mail', failure: { reply: '550 5.7.1 no' }, detail: '550' },
    { step: 'rcpt', failure: { reply: '450 4.7.1 no' }, skip: 1, detail: '450' },
    { step: 'rcpt', failure: 'nonsense', detail: 'nonsense' },
    { step: 'data', failure: 'drop', detail: 'closed the connection' },
  ])('is unreachable when $step is then met with $failure', async (row) => {
    const rig = await Rig.start();
    const delivery = await scanning(rig);
    await rig.fake.hangUp('421 4.4.2 timeout');
    rig.fake.at(row.step, row.failure, { skip: row.skip ?? 0 });
    expect(await delivery.send(message, never)).toEqual([
      { kind: 'unreachable', detail: expect.stringContaining(row.detail) },
    ]);
    expect(rig.fake.connections).toHaveLength(2);
    expect(rig.fake.messages).toEqual([]);
  });

  test('is not opened again when the delivery is called off meanwhile', async () => {
    const rig = await Rig.start();
    const cancel = new AbortController();
    const delivery = await accepted(rig, cancel.signal);
    await rig.fake.hangUp();
    await turnsUntil(() => rig.sockets[0]?.closed === true);
    cancel.abort(new Cancelled('deadline'));
    expect((await delivery.send(message, cancel.signal)).map(inShort)).toEqual(['unreachable']);
    expect(rig.fake.connections).toHaveLength(1);
  });

  test('over LMTP and not opened again is unreachable for each accepted recipient', async () => {
    const rig = await Rig.start({ flavour: 'lmtp' });
    const delivery = await scanning(rig);
    await rig.fake.stop();
    const results = await delivery.send(message, never);
    expect(results.map(inShort)).toEqual(['unreachable', 'unreachable']);
  });
});

describe('a message for only some of its recipients', () => {
  const paths = ['b', 'no', 'c', 'd'].map((name) => path(`${name}@example.org`));

  async function named(rig: Rig) {
    rig.fake.at('rcpt', { reply: '550 5.1.1 no such' }, { skip: 1, times: 1 });
    const from = path('a@example.org');
    const delivery = rig.hop.begin({ client, reversePath: from, helloName: 'gate' }, never);
    await Promise.all(paths.map((to) => delivery.recipient(to)));
    return delivery;
  }

  test.each(['smtp', 'lmtp'] as const)('over %s goes to no others', async (flavour) => {
    const rig = await Rig.start({ flavour });
    const delivery = await named(rig);
    const results = await delivery.send(
      message,
      never,
      [paths[2], paths[3]].flatMap((to) => to ?? []),
    );
    const answers = Array.from({ length: flavour === 'lmtp' ? 2 : 1 }, () => 'reply 250');
    expect(results.map(inShort)).toEqual(answers);
    expect(
      rig.fake.messages.map(({ recipients }) => recipients.map(({ address }) => address)),
    ).toEqual([['c@example.org', 'd@example.org']]);
  });

  test('says nothing anew when these are all that were accepted', async () => {
    const rig = await Rig.start();
    const delivery = await named(rig);
    await delivery.send(message, never, paths);
    expect(rig.fake.connections).toHaveLength(1);
  });

  test('is not sent to fewer than these', async () => {
    const rig = await Rig.start();
    const delivery = await named(rig);
    rig.fake.at('rcpt', { reply: '450 4.2.0 now not' }, { skip: 1, times: 1 });
    const results = await delivery.send(message, never, paths.slice(2));
    expect(results.map(inShort)).toEqual(['unreachable']);
    expect(rig.fake.messages).toEqual([]);
  });
});

describe('a reused connection', () => {
  const dying: { step: Step; failure: Failure }[] = (
    ['hello', 'xforward', 'mail'] as const
  ).flatMap((step) =>
    (['drop', 'reset', { reply: '421 4.7.0 too many messages' }] as const).map((failure) => ({
      step,
      failure,
    })),
  );

  test.each(dying)('that dies at $step by $failure is replaced unseen', async (row) => {
    const rig = await Rig.start();
    await rig.deliver({ client });
    rig.fake.at(row.step, row.failure, { times: 1 });
    const sent = await rig.deliver({ client, to: ['b@example.org', 'c@example.org'] });
    expect(sent.map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.connections).toHaveLength(2);
    expect(rig.fake.messages[1]?.recipients.map(({ address }) => address)).toEqual([
      'b@example.org',
      'c@example.org',
    ]);
  });

  test('that was replaced can still be dropped and replayed during the scan', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    rig.fake.at('hello', 'drop', { times: 1 });
    const delivery = await accepted(rig);
    await rig.fake.hangUp();
    expect((await delivery.send(message, never)).map(inShort)).toEqual(['reply 250']);
    expect(rig.fake.connections).toHaveLength(3);
  });

  test('that talks nonsense is not replaced', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    rig.fake.at('mail', 'nonsense', { times: 1 });
    expect(inShort(await rig.begin().delivery.mail)).toBe('unreachable');
    expect(rig.fake.connections).toHaveLength(1);
  });
});

describe('a delivery that is called off', () => {
  const steps: Step[] = ['greeting', 'hello', 'xforward', 'mail', 'rcpt'];

  test.each(steps)('by its signal at %s drops the connection at once', async (step) => {
    const rig = await Rig.start();
    rig.fake.at(step, 'stall');
    const cancel = new AbortController();
    const { delivery, recipients } = rig.begin({ client, signal: cancel.signal });
    await rig.fake.until(() => rig.fake.failed === 1);
    if (step === 'rcpt') await delivery.mail;
    cancel.abort(new Cancelled('peer-gone'));
    expect((await recipients).map(inShort)).toEqual(['unreachable']);
    expect(inShort(await delivery.mail)).toBe(step === 'rcpt' ? 'reply 250' : 'unreachable');
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.connections).toHaveLength(1);
    expect(rig.clock.pending).toBe(0);
  });

  test.each(steps)('by abort() at %s leaves nothing behind', async (step) => {
    const rig = await Rig.start();
    rig.fake.at(step, 'hold');
    const { delivery } = rig.begin({ client });
    await rig.fake.until(() => rig.fake.failed === 1);
    delivery.abort();
    delivery.abort();
    rig.fake.recover();
    await delivery.mail;
    expect((await rig.deliver()).map(inShort)).toEqual(['reply 250']);
  });

  test('before it began does not speak to the next hop', async () => {
    const rig = await Rig.start();
    const signal = AbortSignal.abort(new Cancelled('deadline'));
    const { delivery, recipients } = rig.begin({ signal });
    expect(await delivery.mail).toEqual({ kind: 'unreachable', detail: 'cancelled: deadline' });
    expect((await recipients).map(inShort)).toEqual(['unreachable']);
    expect(rig.fake.commands).toEqual([]);
  });

  test('while a reused connection dies is not begun on another', async () => {
    const rig = await Rig.start();
    await rig.deliver();
    rig.fake.at('hello', 'stall', { times: 1 });
    const cancel = new AbortController();
    const { delivery } = rig.begin({ signal: cancel.signal });
    await rig.fake.until(() => rig.fake.failed === 1);
    cancel.abort(new Cancelled('shutdown'));
    expect(inShort(await delivery.mail)).toBe('unreachable');
    expect(rig.fake.connections).toHaveLength(1);
  });

  const moments = ['before DATA', 'at DATA', 'in replay', 'in content', 'before the dot'];
  const means = ['the signal of begin', 'the signal of send', 'abort()'];
  const cases = moments.flatMap((moment) => means.map((by) => ({ moment, by })));

  test.each(cases)('$moment by $by sends no dot', async ({ moment, by }) => {
    const rig = await Rig.start();
    const beginning = new AbortController();
    const sending = new AbortController();
    const delivery = await accepted(rig, beginning.signal);
    const callOff = () => {
      if (by === 'abort()') delivery.abort();
      else (by === 'the signal of begin' ? beginning : sending).abort();
    };
    if (moment === 'in replay') await rig.fake.hangUp();
    if (moment === 'in replay') rig.fake.at('mail', 'stall');
    if (moment === 'at DATA') rig.fake.at('data', 'stall');
    async function* content() {
      yield Buffer.from('x\r\n');
      await turn();
      if (moment === 'in content') callOff();
      yield Buffer.from('y\r\n');
      if (moment === 'before the dot') callOff();
    }
    const sent = delivery.send(content, sending.signal);
    if (moment === 'before DATA') callOff();
    if (moment === 'at DATA' || moment === 'in replay') {
      await rig.fake.until(() => rig.fake.failed === 1);
      callOff();
    }
    expect((await sent).map(inShort)).toEqual(['unreachable']);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.messages).toEqual([]);
    const bytes = rig.fake.connections.map(({ reads }) => reads.join('')).join('');
    expect(bytes).not.toMatch(/^\.\r$/m);
  });

  test('or is over has no ear for its signals any more', async () => {
    const rig = await Rig.start();
    const { signal } = new AbortController();
    const delivery = await accepted(rig, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await delivery.send(message, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    rig.begin({ signal }).delivery.abort();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('after the dot still comes to the next hop’s answer', async () => {
    const rig = await Rig.start();
    rig.fake.at('dot', 'hold');
    const cancel = new AbortController();
    const delivery = await accepted(rig, cancel.signal);
    const sent = delivery.send(message, cancel.signal);
    await rig.fake.until(() => rig.fake.failed === 1);
    cancel.abort(new Cancelled('deadline'));
    delivery.abort();
    await turn();
    rig.fake.recover();
    expect((await sent).map(inShort)).toEqual(['reply 250']);
  });
});

describe('content that fails', () => {
  test.each([
    { what: 'a spool that fails', before: ['x\r\n'], error: new OperationalError('STORE', 'EIO') },
    { what: 'a spool that fails at once', before: [], error: new OperationalError('STORE', 'EIO') },
    { what: 'a mistake of ours', before: ['x\r\n'], error: new Error('mistake') },
  ])('by $what is thrown on, and no dot is sent', async ({ before, error }) => {
    const rig = await Rig.start();
    const delivery = await accepted(rig);
    async function* content() {
      yield* chunks(...before);
      throw error;
    }
    await expect(delivery.send(content, never)).rejects.toBe(error);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.messages).toEqual([]);
  });

  test('because it was called off is no error', async () => {
    const rig = await Rig.start();
    const cancel = new AbortController();
    const delivery = await accepted(rig);
    async function* content() {
      yield Buffer.from('x\r\n');
      await turn();
      cancel.abort(new Cancelled('deadline'));
      throw new Cancelled('deadline');
    }
    expect(await delivery.send(content, cancel.signal)).toEqual([
      { kind: 'unreachable', detail: 'cancelled: deadline' },
    ]);
    await rig.fake.until(() => rig.fake.open === 0);
    expect(rig.fake.messages).toEqual([]);
  });

  test('is not asked for before the 354', async () => {
    const rig = await Rig.start();
    rig.fake.at('data', { reply: '451 4.3.0 later' });
    const delivery = await accepted(rig);
    const asked = () => {
      throw new Error('asked for');
    };
    expect((await delivery.send(asked, never)).map(inShort)).toEqual(['reply 451']);
  });
});

test('calls that can only be mistakes of ours are held to be impossible', async () => {
  const rig = await Rig.start();
  rig.fake.at('rcpt', { reply: '550 5.1.1 no' }, { times: 1 });
  const { delivery, recipients } = rig.begin();
  await recipients;
  await expect(delivery.send(message, never)).rejects.toThrow(ImpossibleState);
  await expect(delivery.recipient(path('c@example.org'))).rejects.toThrow(ImpossibleState);
  await rig.fake.until(() => rig.fake.open === 0);
});

test('pieces in two buffers in turn arrive as they are', async () => {
  const rig = await Rig.start();
  const { delivery, recipients } = rig.begin();
  await recipients;
  const lengths = Array.from({ length: 80 }, (_, index) => 60_000 + ((index * 977) % 5000));
  async function* content(): AsyncIterable<Buffer> {
    const buffers = [Buffer.alloc(65_000), Buffer.alloc(65_000)];
    for (const [index, length] of lengths.entries()) {
      const buffer = buffers[index % 2] ?? Buffer.alloc(0);
      await turn();
      yield buffer.fill(0x41 + (index % 26)).subarray(0, length);
    }
  }
  await delivery.send(content, never);
  const sent = lengths.map((length, index) => Buffer.alloc(length, 0x41 + (index % 26)));
  const [message] = rig.fake.messages;
  expect(message?.content.equals(Buffer.concat([...sent, Buffer.from('\r\n')]))).toBe(true);
});
