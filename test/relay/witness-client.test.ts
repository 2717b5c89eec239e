/** The client, against the real server and against ones that misbehave. */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WitnessClient } from '../../src/relay/witness-client.ts';
import { WitnessServer } from '../../src/witness/server.ts';
import { Witness } from '../../src/witness/witness.ts';
import { Client } from '../conformance/client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';
import { QueueDirectory } from '../witness/queue-directory.ts';

let queue: QueueDirectory;
let path: string;
let clock: FakeClock;
let troubles: string[];
let client: WitnessClient;

beforeEach(() => {
  queue = new QueueDirectory();
  path = queue.at('witness.sock');
  clock = new FakeClock();
  troubles = [];
  client = new WitnessClient({
    connect: { path },
    clock,
    onTrouble: (detail) => troubles.push(detail),
  });
});
afterEach(() => {
  client.close();
  expect(clock.pending).toBe(0);
  queue.remove();
});

describe('with a witness', () => {
  const witnessClock = new FakeClock();
  let serverTroubles: string[];
  let witness: Witness;
  let server: WitnessServer;

  async function start(): Promise<void> {
    const onTrouble = (detail: string): void => {
      serverTroubles.push(detail);
    };
    const queueDirectory = queue.path;
    witness = new Witness({ queueDirectory, heldMax: 1, clock: witnessClock, onTrouble });
    server = new WitnessServer({ witness, onTrouble });
    await server.open({ path });
  }

  async function stop(): Promise<void> {
    await server.close();
    witness.close();
  }

  beforeEach(async () => {
    serverTroubles = [];
    await start();
  });
  afterEach(stop);

  test('holds, tells, and forgets when told', async () => {
    queue.begin('incoming/A1');
    expect(await client.hold('A1')).toBe(true);
    expect(await client.fate('A1')).toBe('undecided');
    queue.commit('incoming/A1');
    queue.unlink('incoming/A1');
    expect(await client.fate('A1')).toBe('committed');
    client.release('A1');
    clock.advance(50);
    await until(() => witness.held === 0, 'released');
    expect(troubles).toEqual([]);
  });

  test('what is released travels with the next question, before it', async () => {
    for (const id of ['A1', 'B1']) queue.begin(`incoming/${id}`);
    expect(await client.hold('A1')).toBe(true);
    client.release('A1');
    // There is room for one.
    expect(await client.hold('B1')).toBe(true);
    expect([witness.held, serverTroubles, clock.pending]).toEqual([1, [], 0]);
  });

  test('what is not there is not held', async () => {
    expect(await client.hold('A1')).toBe(false);
  });

  test('questions do not wait for each other', async () => {
    queue.begin('incoming/A1');
    let slow: string | undefined;
    void client.fate('Z9').then((fate) => (slow = fate));
    await until(() => witnessClock.pending === 1, 'it looks for a file that is not there');
    expect([await client.hold('A1'), slow]).toEqual([true, undefined]);
    witnessClock.advance(100);
    await until(() => slow !== undefined, 'the second look');
    expect(slow).toBe('unknown');
  });

  test('one that is full is told', async () => {
    queue.begin('incoming/A1');
    queue.begin('incoming/B1');
    expect([await client.hold('A1'), await client.hold('B1')]).toEqual([true, false]);
    expect(troubles).toEqual(['it holds too many files: B1 is not held']);
  });

  test('one that was started again is asked again', async () => {
    queue.begin('incoming/A1');
    expect(await client.hold('A1')).toBe(true);
    await stop();
    await start();
    queue.commit('incoming/A1');
    await until(() => clock.pending === 0, 'nothing is open');
    expect(await client.fate('A1')).toBe('committed');
  });

  test('one that ends while it is asked: not known', async () => {
    const asked = client.fate('Z9');
    await until(() => witnessClock.pending === 1, 'it looks');
    const stopping = server.close();
    expect(await asked).toBe('unknown');
    witnessClock.advance(100);
    await stopping;
  });

  test.each(['', '../x', 'a b', 'a\n1 hold B1', 'x'.repeat(65)])(
    '%j is no queue id, and is not sent',
    async (id) => {
      expect([await client.hold(id), await client.fate(id)]).toEqual([false, 'unknown']);
      client.release(id);
      expect(serverTroubles).toEqual([]);
    },
  );

  test.each(['hello\n', '1 hold ../x\n', `${'x'.repeat(200)}\n`])(
    'who says %j to the server is closed, and nobody else',
    async (line) => {
      queue.begin('incoming/A1');
      expect(await client.hold('A1')).toBe(true);
      const peer = await Client.connect({ path });
      await peer.send(Buffer.from(`7 fate A1\n${line}`));
      await until(() => peer.ended, 'closed');
      expect(serverTroubles).toEqual(['what came is no request; the connection is closed']);
      expect(await client.fate('A1')).toBe('undecided');
    },
  );

  test('who leaves before its answer harms nobody', async () => {
    const [half, gone] = [await Client.connect({ path }), await Client.connect({ path })];
    for (const peer of [half, gone]) await peer.send(Buffer.from('7 fate Z9\n'));
    await until(() => witnessClock.pending === 2, 'both are looked for');
    half.close();
    gone.destroy();
    await until(() => half.ended, 'closed');
    witnessClock.advance(100);
    queue.begin('incoming/A1');
    expect([await client.hold('A1'), serverTroubles]).toEqual([true, []]);
  });

  test('a hundred questions of one connection are at work at once, the others wait', async () => {
    const peer = await Client.connect({ path });
    const questions = Array.from({ length: 150 }, (_, at) => `${at} fate Z${at}\n`);
    await peer.send(Buffer.from(questions.join('')));
    await until(() => witnessClock.pending === 100, 'a hundred');
    witnessClock.advance(100);
    await until(() => witnessClock.pending === 50, 'fifty');
    witnessClock.advance(100);
    await until(() => peer.transcript.split('\n').length === 151, 'all answers');
    const answers = new Set(peer.transcript.trimEnd().split('\n'));
    expect(answers).toEqual(new Set(questions.map((_, at) => `${at} unknown`)));
    peer.destroy();
  });
});

describe('without one', () => {
  test('no socket: no evidence, and told', async () => {
    expect([await client.hold('A1'), await client.fate('A1')]).toEqual([false, 'unknown']);
    client.release('A1');
    expect(troubles).toHaveLength(2);
    expect(troubles[0]).toMatch(/ENOENT/);
  });

  test('closed: nothing is asked any more', async () => {
    client.close();
    expect([await client.hold('A1'), await client.fate('A1')]).toEqual([false, 'unknown']);
    expect(troubles).toEqual([]);
  });
});

describe('with one that misbehaves', () => {
  let server: Server;
  let sockets: Socket[];
  let heard: string;

  async function serve(answer: (line: string) => string): Promise<void> {
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.toString();
        const said = answer(bytes.toString());
        if (said !== '') socket.write(said);
      });
    }).listen(path);
    await once(server, 'listening');
  }

  beforeEach(() => {
    [sockets, heard] = [[], ''];
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test.each([
    ['hold', 1000, false],
    ['fate', 5000, 'unknown'],
  ] as const)('no answer to %s in %i ms', async (verb, ms, result) => {
    await serve(() => '');
    const asked = client[verb]('A1');
    await until(() => heard !== '', 'it is asked');
    clock.advance(ms - 1);
    expect(troubles).toEqual([]);
    clock.advance(1);
    expect(await asked).toBe(result);
    expect(troubles).toEqual([`no answer to ${verb} A1 in ${ms} ms`]);
    // Its late answer is nobody's.
    sockets[0]?.write('1 committed\n');
    const next = client.hold('B1');
    await until(() => heard.includes('B1'), 'the next');
    sockets[0]?.write('2 held\n');
    expect(await next).toBe(true);
  });

  test.each(['hello\n', '1 yes\n', `${'x'.repeat(300)}\n`])('%j is no answer', async (said) => {
    await serve(() => said);
    expect(await client.fate('A1')).toBe('unknown');
    expect(troubles).toEqual(['what it said is no answer']);
  });

  test('answers to another question are not taken for this one', async () => {
    await serve((line) => (line.startsWith('1 ') ? '2 committed\n1 not-committed\n' : ''));
    expect(await client.fate('A1')).toBe('not-committed');
  });

  test.each(['held', 'released', 'failed', 'not-found', 'full'])('%s is no fate', async (word) => {
    await serve(() => `1 ${word}\n`);
    expect(await client.fate('A1')).toBe('unknown');
  });

  test.each(['committed', 'failed', 'released', 'not-found'])('%s is not held', async (word) => {
    await serve(() => `1 ${word}\n`);
    expect(await client.hold('A1')).toBe(false);
  });

  test('answers in pieces', async () => {
    await serve(() => '1 com');
    const asked = client.fate('A1');
    await until(() => heard !== '', 'it is asked');
    sockets[0]?.write('mitted\n');
    expect(await asked).toBe('committed');
  });
});
