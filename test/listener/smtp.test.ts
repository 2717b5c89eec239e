import { beforeEach, describe, expect, test } from '@jest/globals';
import { Engine } from '../../src/engine/engine.ts';
import { Cancelled } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { SmtpHandler } from '../../src/listener/smtp.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import { ServerSession } from '../../src/protocol/smtp/server-session.ts';
import type { RelayResult } from '../../src/relay/next-hop.ts';
import { until } from '../support/memory-content.ts';
import { door, Parts } from '../engine/parts.ts';

const envelope = 'MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n';
const message = 'Subject: x\r\n\r\nx\r\n.\r\n';

/** The handler with a session and an engine, but without a socket. */
describe('SmtpHandler', () => {
  let parts: Parts;
  let engine: Engine;
  let session: ServerSession;
  let handler: SmtpHandler;
  let faults: unknown[];

  beforeEach(() => {
    parts = new Parts();
    engine = new Engine(door, parts.engineParts());
    session = new ServerSession({
      flavour: 'smtp',
      hostname: 'filter.example.org',
      limits: defaultLimits,
      xforwardAllowed: true,
      bareCr: 'pass',
    });
    faults = [];
    handler = new SmtpHandler(session, {
      engine: () => engine,
      stopping: parts.stopping.signal,
      onFault: (error) => faults.push(error),
    });
    session.greet();
  });

  /** Hands on what can be handed on without waiting for an answer that is still open. */
  async function pump(input: string): Promise<string[]> {
    session.receive(Buffer.from(input));
    for (let turns = 0; turns < 40; turns++) {
      const event = session.next();
      if (event === 'need-data' || event === 'paused') await new Promise(setImmediate);
      else if (event.type === 'close') break;
      else await handler.handle(event);
    }
    return heard();
  }

  function heard(): string[] {
    const said = Buffer.concat(session.takeOutput()).toString();
    return said.split('\r\n').filter((line) => line !== '' && !line.startsWith('250-'));
  }

  async function ready(): Promise<void> {
    await pump('EHLO client\r\n');
  }

  test('a message, and another one', async () => {
    await ready();
    for (const id of ['first', 'second']) {
      expect(await pump(envelope)).toHaveLength(2);
      expect(await pump('DATA\r\n')).toEqual(['354 End data with <CR><LF>.<CR><LF>']);
      expect(await pump(`X-Id: ${id}\r\n${message}`)).toEqual(['250 2.0.0 Ok']);
    }
    expect(
      parts.nextHop.sent.map(({ bytes }) => /X-Id: (\w+)/.exec(bytes.toString())?.[1]),
    ).toEqual(['first', 'second']);
  });

  test('answers come in the order of their commands, however the next hop is asked', async () => {
    const answers = new Map<string, PromiseWithResolvers<RelayResult>>();
    const mail = Promise.withResolvers<RelayResult>();
    engine = new Engine(
      door,
      parts.engineParts({
        nextHop: {
          address: 'x',
          flavour: 'smtp',
          close: () => undefined,
          begin: () => ({
            mail: mail.promise,
            recipient: ({ address }) => {
              const answer = Promise.withResolvers<RelayResult>();
              answers.set(address, answer);
              return answer.promise;
            },
            send: () => Promise.resolve([]),
            abort: () => undefined,
          }),
        },
      }),
    );
    const say = (code: number, text: string): RelayResult => ({
      kind: 'reply',
      reply: reply(code, undefined, text),
    });
    await ready();
    expect(await pump(`${envelope}RCPT TO:<c@example.org>\r\nNOOP\r\n`)).toEqual([]);
    expect([...answers.keys()]).toEqual(['b@example.org', 'c@example.org']);
    answers.get('c@example.org')?.resolve(say(550, 'c'));
    expect(await pump('')).toEqual([]);
    mail.resolve(say(250, 'mail'));
    expect(await pump('')).toEqual(['250 mail']);
    answers.get('b@example.org')?.resolve(say(250, 'b'));
    expect(await pump('')).toEqual(['250 b', '550 c', '250 2.0.0 OK']);
    expect(handler.answered()).toBeUndefined();
  });

  test('RSET gives the transaction up', async () => {
    await ready();
    await pump(`${envelope}RSET\r\n`);
    expect(parts.records.map(({ outcome }) => outcome)).toEqual(['abandoned']);
    expect(parts.nextHop.open).toBe(0);
  });

  test('a peer that goes gives the transaction up, once', async () => {
    await ready();
    await pump(`${envelope}DATA\r\n`);
    handler.gone();
    handler.gone();
    await until(() => parts.scanner.open === 0, 'the scan ends');
    expect(parts.records.map(({ outcome }) => outcome)).toEqual(['abandoned']);
  });

  test('silence: 421 4.4.2', async () => {
    await ready();
    handler.silent(false);
    expect(await pump('')).toEqual(['421 4.4.2 Idle for too long, closing connection']);
    expect(session.next()).toEqual({ type: 'close' });
  });

  test('going down: 421 4.3.2 outside a transaction', async () => {
    await ready();
    parts.stopping.abort(new Cancelled('shutdown'));
    handler.silent(false);
    expect(await pump('')).toEqual(['421 4.3.2 System going down, closing connection']);
  });

  test('going down: a transaction that is over holds nobody up', async () => {
    parts.nextHop.mail = { kind: 'reply', reply: reply(553, '5.1.8', 'no') };
    await ready();
    await pump('MAIL FROM:<a@example.net>\r\n');
    expect(handler.atWork).toBe(false);
    parts.stopping.abort(new Cancelled('shutdown'));
    handler.silent(false);
    expect(await pump('')).toEqual(['421 4.3.2 System going down, closing connection']);
  });

  test('going down: who drips on beyond its turn is not waited for', async () => {
    await ready();
    await pump(`${envelope}DATA\r\n`);
    parts.stopping.abort(new Cancelled('shutdown'));
    handler.silent(true);
    expect(await pump('')).toEqual(['421 4.3.2 System going down, closing connection']);
  });

  test('going down: a message that is arriving gets its 451 at its final dot', async () => {
    await ready();
    await pump(`${envelope}DATA\r\n`);
    parts.stopping.abort(new Cancelled('shutdown'));
    handler.silent(false);
    expect(await pump('')).toEqual([]);
    expect(await pump(message)).toEqual(['451 4.3.2 System going down, try again later']);
  });

  test('going down: DATA is refused, and the session is in step', async () => {
    await ready();
    await pump(envelope);
    parts.stopping.abort(new Cancelled('shutdown'));
    expect(await pump('DATA\r\n')).toEqual(['451 4.3.2 System going down, try again later']);
    expect(await pump('NOOP\r\n')).toEqual(['250 2.0.0 OK']);
  });

  test('the end of the drain time calls off what is at work', async () => {
    parts.scanner.hangs = true;
    await ready();
    await pump(`${envelope}DATA\r\n`);
    const pumping = pump(message);
    await until(() => parts.scanner.open === 1, 'the scan runs');
    handler.shutDown();
    expect(await pumping).toEqual(['451 4.3.2 System going down, try again later']);
  });

  test('a fault of ours: told with its stack, 421 4.3.0, and nothing of it to the peer', async () => {
    await ready();
    const bug = new TypeError('x is undefined');
    handler.fault(bug);
    expect(faults).toEqual([bug]);
    expect(await pump('')).toEqual(['421 4.3.0 Internal error, closing connection']);
  });

  test.each([
    ['MAIL', () => ({ mail: Promise.reject(new TypeError('bug')) }), '451 4.3.0'],
    ['RCPT', () => ({ recipient: () => Promise.reject(new TypeError('bug')) }), '451 4.3.0'],
  ])('a bug at %s: 451 4.3.0, and told', async (_, broken, expected) => {
    const { nextHop } = parts;
    const begin: typeof nextHop.begin = (opening) => ({
      ...nextHop.begin(opening),
      ...broken(),
    });
    engine = new Engine(
      door,
      parts.engineParts({
        nextHop: { address: 'x', flavour: 'smtp', close: () => undefined, begin },
      }),
    );
    await ready();
    const answers = await pump(envelope);
    expect(answers.filter((line) => line.startsWith(expected))).toHaveLength(1);
    expect(faults).toHaveLength(1);
  });

  test('the next transaction takes the engine of a new configuration, an open one keeps its own', async () => {
    const next = new Parts();
    await ready();
    await pump(`${envelope}DATA\r\n`);
    engine = new Engine(door, next.engineParts());
    await pump(message);
    expect([parts.nextHop.sent.length, next.nextHop.sent.length]).toEqual([1, 0]);
    await pump(`${envelope}DATA\r\n`);
    await pump(message);
    expect([parts.nextHop.sent.length, next.nextHop.sent.length]).toEqual([1, 1]);
  });
});
