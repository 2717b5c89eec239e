import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Engine } from '../../src/engine/engine.ts';
import { Cancelled } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { Listener } from '../../src/listener/listener.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { Client } from '../conformance/client.ts';
import { until } from '../support/memory-content.ts';
import { door, Parts } from '../engine/parts.ts';

const greetingWaitMs = 240_000;
const greeting = '220 filter.example.org ESMTP';
const goingDown = '421 4.3.2 System going down, closing connection';

describe('Listener', () => {
  let directory: string;
  let path: string;
  let parts: Parts;
  let sessions: WaitingLine;
  let listener: Listener;
  let faults: unknown[];
  let peers: (string | undefined)[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'listener-'));
    path = join(directory, 'socket');
    parts = new Parts();
    const { clock, stopping } = parts;
    sessions = new WaitingLine({ places: 1, waiting: 1, waitMs: greetingWaitMs }, clock);
    faults = [];
    peers = [];
    listener = new Listener(
      {
        hostname: 'filter.example.org',
        bareCr: 'pass',
        limits: defaultLimits,
        mayXforward: (address) => {
          peers.push(address);
          return address === undefined;
        },
        engine: new Engine(door, parts.engineParts()),
      },
      {
        clock,
        sessions,
        stopping: stopping.signal,
        onFault: (error) => faults.push(error),
      },
    );
    await listener.open({ path });
  });

  afterEach(async () => {
    listener.destroy();
    await listener.close();
    rmSync(directory, { recursive: true });
    expect(faults).toEqual([]);
  });

  async function hears(client: Client, beginning: string): Promise<void> {
    await until(() => client.heard.length > 0 || client.ended, beginning);
    expect(client.heard.shift()?.slice(0, beginning.length)).toBe(beginning);
  }

  async function connected(): Promise<Client> {
    const client = await Client.connect({ path });
    await hears(client, greeting);
    return client;
  }

  async function say(client: Client, line: string, reply: string): Promise<void> {
    await client.send(Buffer.from(`${line}\r\n`));
    await hears(client, reply);
  }

  const waiting = (count: number): Promise<void> =>
    until(() => sessions.waiting === count, `${count} wait`);

  test('where sessions are full the greeting waits, and comes when one leaves', async () => {
    const first = await connected();
    const second = await Client.connect({ path });
    await waiting(1);
    expect([second.transcript, second.ended, listener.sessions]).toEqual(['', false, 2]);
    first.close();
    await hears(second, greeting);
    await say(second, 'EHLO client', '250 filter.example.org');
    second.close();
    await until(() => listener.sessions === 0, 'both have left');
    expect([sessions.inside, sessions.waiting, parts.clock.pending]).toEqual([0, 0, 0]);
  });

  test('where the line of those that wait is full, too: 421', async () => {
    const first = await connected();
    const second = await Client.connect({ path });
    await waiting(1);
    const third = await Client.connect({ path });
    await hears(third, '421 4.3.2 Too many connections');
    await until(() => third.ended, 'closed');
    expect(second.ended).toBe(false);
    await say(first, 'NOOP', '250 2.0.0');
  });

  test('one that waits too long for its greeting: 421', async () => {
    await connected();
    const second = await Client.connect({ path });
    await waiting(1);
    parts.clock.advance(greetingWaitMs);
    await hears(second, '421 4.3.2 Too many connections');
  });

  test('one that leaves while it waits gives its place in the line back', async () => {
    await connected();
    const second = await Client.connect({ path });
    await waiting(1);
    second.destroy();
    await waiting(0);
    await until(() => listener.sessions === 1, 'it is forgotten');
  });

  test('silence for the idle time: 421 4.4.2', async () => {
    const client = await connected();
    await say(client, 'EHLO client', '250');
    await until(() => parts.clock.pending === 1, 'it waits for the peer');
    parts.clock.advance(defaultLimits.sessionIdleMs - 1);
    expect(client.ended).toBe(false);
    parts.clock.advance(1);
    await hears(client, '421 4.4.2');
    await until(() => listener.sessions === 0, 'the session has ended');
  });

  test('going down: idle sessions get 421 4.3.2, those that come get it for a greeting', async () => {
    const client = await connected();
    const next = await Client.connect({ path });
    await waiting(1);
    parts.stopping.abort(new Cancelled('shutdown'));
    await hears(client, goingDown);
    await hears(next, goingDown);
    await until(() => client.ended && next.ended, 'both are closed');
  });

  test('closed: no more connections; over when the last session has ended', async () => {
    const client = await connected();
    let closed = false;
    const closing = listener.close().then(() => {
      closed = true;
    });
    await expect(Client.connect({ path })).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    await say(client, 'NOOP', '250 2.0.0');
    expect(closed).toBe(false);
    client.close();
    await closing;
  });

  test('cut off: what is at work is answered 451', async () => {
    parts.scanner.hangs = true;
    const client = await connected();
    await say(client, 'EHLO client', '250');
    await say(client, 'MAIL FROM:<a@example.net>', '250');
    await say(client, 'RCPT TO:<b@example.org>', '250');
    await say(client, 'DATA', '354');
    await client.send(Buffer.from('Subject: x\r\n\r\nx\r\n.\r\n'));
    await until(() => parts.clock.pending === 1, 'the deadline runs');
    listener.cutOff();
    await hears(client, '451 4.3.2');
  });

  test('new settings hold for the next session', async () => {
    const first = await connected();
    listener.settings = { ...listener.settings, hostname: 'new.example.org' };
    await say(first, 'EHLO client', '250 filter.example.org');
    first.close();
    const second = await Client.connect({ path });
    await hears(second, '220 new.example.org ESMTP');
  });

  test('whether a peer may say XFORWARD is asked by its address; a Unix socket has none', async () => {
    const client = await connected();
    await say(client, 'XFORWARD ADDR=192.0.2.1', '250 2.0.0');
    expect(peers).toEqual([undefined]);
  });

  test('a socket that a daemon left behind is taken over, one in use is not', async () => {
    const { settings } = listener;
    const { clock, stopping } = parts;
    const surroundings = { clock, sessions, stopping: stopping.signal, onFault: () => undefined };
    const second = new Listener(settings, surroundings);
    await expect(second.open({ path })).rejects.toThrow('in use by another process');
    const other = join(directory, 'other');
    await second.open({ path: other }, 0o660);
    expect(statSync(other).mode & 0o777).toBe(0o660);
    await second.close();
  });

  test('an address that cannot be listened on is an error, not a fault', async () => {
    const { clock, stopping } = parts;
    const surroundings = { clock, sessions, stopping: stopping.signal, onFault: () => undefined };
    const other = new Listener(listener.settings, surroundings);
    await expect(other.open({ path: join(directory, 'no', 'where') })).rejects.toThrow('EACCES');
  });
});
