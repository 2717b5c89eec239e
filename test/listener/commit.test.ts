import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import { commitActions } from '../../src/listener/commit-actions.ts';
import { CommitListener } from '../../src/listener/commit-listener.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

const limits = { connectionsMax: 2, answerMs: 20_000, idleMs: 330_000 };
const stale = 'action=451 4.3.0 Stale attempt, not accepted\n\n';

function asks(state: string, more = ''): string {
  return `request=smtpd_access_policy\nprotocol_state=${state}\n${more}\n`;
}

const question = asks(
  'END-OF-MESSAGE',
  'helo_name=a1.clamgate.example.org\nqueue_id=4Xyz\ninstance=12.34.0\nsize=100\n',
);

describe('the commit listener', () => {
  let directory: string;
  let path: string;
  let clock: FakeClock;
  let asked: CommitQuestion[];
  let gate: (question: CommitQuestion) => Promise<CommitAnswer>;
  let faults: string[];
  let listener: CommitListener;
  let clients: Socket[];

  function create(): CommitListener {
    return new CommitListener({
      gate: {
        asked: (put) => {
          asked.push(put);
          return gate(put);
        },
      },
      clock,
      limits,
      onFault: (error) => faults.push(error instanceof Error ? error.message : String(error)),
    });
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'commit-'));
    path = join(directory, 'clamgate', 'commit.sock');
    clock = new FakeClock();
    [asked, faults, clients] = [[], [], []];
    gate = () => Promise.resolve('go');
    listener = create();
    await listener.open({ path });
  });

  afterEach(async () => {
    for (const client of clients) client.destroy();
    listener.destroy();
    await listener.close();
    rmSync(directory, { recursive: true });
  });

  async function client(): Promise<{ socket: Socket; heard: () => string; ended: () => boolean }> {
    const socket = connect({ path });
    clients.push(socket);
    let [heard, ended] = ['', false];
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
    socket.on('error', () => undefined);
    socket.on('end', () => (ended = true)).on('close', () => (ended = true));
    await once(socket, 'connect');
    return { socket, heard: () => heard, ended: () => ended };
  }

  test.each([
    ['go', 'action=DUNNO\n\n'],
    ['not-ours', 'action=DUNNO\n\n'],
    ['stale', stale],
  ] as const)('%s is %j', async (answer, action) => {
    gate = () => Promise.resolve(answer);
    const peer = await client();
    peer.socket.write(question);
    await until(() => peer.heard().length >= action.length, 'the answer');
    expect(peer.heard()).toBe(action);
    expect(asked).toEqual([
      { heloName: 'a1.clamgate.example.org', queueId: '4Xyz', instance: '12.34.0' },
    ]);
    expect(faults).toEqual([]);
  });

  test('several on one connection, each with its own answer', async () => {
    const answers: CommitAnswer[] = ['go', 'stale', 'go'];
    gate = () => Promise.resolve(answers.shift() ?? 'stale');
    const peer = await client();
    peer.socket.write(question.repeat(3));
    await until(() => peer.heard().endsWith('DUNNO\n\n') && asked.length === 3, 'three answers');
    expect(peer.heard()).toBe(`action=DUNNO\n\n${stale}action=DUNNO\n\n`);
  });

  test.each(['RCPT', 'DATA', 'CONNECT', ''])('at the state "%s": DUNNO, unasked', async (state) => {
    const peer = await client();
    peer.socket.write(asks(state));
    await until(() => peer.heard() !== '', 'the answer');
    expect([peer.heard(), asked]).toEqual(['action=DUNNO\n\n', []]);
  });

  test('a gate that is not told a name or a queue id is asked all the same', async () => {
    const peer = await client();
    peer.socket.write(asks('END-OF-MESSAGE'));
    await until(() => peer.heard() !== '', 'the answer');
    expect(asked).toEqual([{ heloName: '', queueId: '', instance: '' }]);
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('disk full'))],
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
  ])('a gate that %s: 451, and it is told', async (_, failing) => {
    gate = failing;
    const peer = await client();
    peer.socket.write(question);
    await until(() => peer.heard() !== '', 'the answer');
    expect(peer.heard()).toBe('action=451 4.3.0 Internal error, try again later\n\n');
    expect(faults).toEqual(['disk full']);
    gate = () => Promise.resolve('go');
    peer.socket.write(question);
    await until(() => peer.heard().endsWith('DUNNO\n\n'), 'it goes on');
  });

  test('a gate that does not answer: 451 after its time, and no later word', async () => {
    const decision = Promise.withResolvers<CommitAnswer>();
    gate = () => decision.promise;
    const peer = await client();
    peer.socket.write(question);
    await until(() => asked.length === 1 && clock.pending === 1, 'it is asked');
    clock.advance(limits.answerMs - 1);
    expect(faults).toEqual([]);
    clock.advance(1);
    await until(() => peer.heard() !== '', 'the answer');
    decision.resolve('go');
    await until(() => clock.pending === 1, 'it waits for the next question');
    expect(peer.heard()).toBe('action=451 4.3.0 Not decided in time, try again later\n\n');
    expect(faults).toEqual(['whether to commit 4Xyz was not decided in 20000 ms']);
  });

  test('nonsense is told, and gets no answer', async () => {
    const peer = await client();
    peer.socket.write('EHLO x\r\n');
    await until(peer.ended, 'closed');
    expect([peer.heard(), faults]).toEqual(['', ['the commit question: a line ends with CR LF']]);
  });

  test('a peer that leaves while the gate thinks is forgotten when it has decided', async () => {
    const decision = Promise.withResolvers<CommitAnswer>();
    gate = () => decision.promise;
    const peer = await client();
    peer.socket.write(question);
    await until(() => asked.length === 1, 'it is asked');
    peer.socket.destroy();
    decision.resolve('go');
    await until(() => listener.connections === 0 && clock.pending === 0, 'nothing is left');
    expect(faults).toEqual([]);
  });

  test('a silent peer is closed after the idle time', async () => {
    const peer = await client();
    await until(() => clock.pending === 1, 'it waits');
    clock.advance(limits.idleMs - 1);
    expect(peer.ended()).toBe(false);
    clock.advance(1);
    await until(peer.ended, 'closed');
    expect(peer.heard()).toBe('');
  });

  test('one connection too many is closed, and told', async () => {
    const [first] = [await client(), await client()];
    await until(() => listener.connections === 2, 'two');
    const third = await client();
    await until(third.ended, 'closed');
    expect(faults).toEqual(['more than 2 connections for the commit question']);
    first.socket.write(question);
    await until(() => first.heard() === 'action=DUNNO\n\n', 'the others go on');
  });

  test('closing waits for the open question, and answers it', async () => {
    const decision = Promise.withResolvers<CommitAnswer>();
    gate = () => decision.promise;
    const [busy, idle] = [await client(), await client()];
    busy.socket.write(question);
    await until(() => asked.length === 1 && listener.connections === 2, 'it is asked');
    let closed = false;
    const closing = listener.close().then(() => (closed = true));
    await until(idle.ended, 'who asks nothing is closed');
    expect(closed).toBe(false);
    decision.resolve('stale');
    await closing;
    await until(busy.ended, 'closed');
    expect(busy.heard()).toBe(stale);
  });

  test('its directory and its socket are open to smtpd, whatever the umask', async () => {
    expect(statSync(path).mode & 0o777).toBe(0o666);
    const umask = process.umask(0o077);
    try {
      const other = create();
      const otherPath = join(directory, 'other', 'commit.sock');
      await other.open({ path: otherPath }, 0o660);
      expect(statSync(otherPath).mode & 0o777).toBe(0o660);
      expect(statSync(join(directory, 'other')).mode & 0o777).toBe(0o755);
      await other.close();
    } finally {
      process.umask(umask);
    }
  });

  test('a socket in use is not taken over, and a directory too deep not made', async () => {
    await expect(create().open({ path })).rejects.toThrow('in use by another process');
    const deep = join(directory, 'a', 'b', 'c.sock');
    await expect(create().open({ path: deep })).rejects.toThrow('ENOENT');
  });
});

test('every answer is DUNNO or temporary', () => {
  for (const action of Object.values(commitActions))
    expect(action).toMatch(/^(DUNNO|451 4\.3\.0 .+)$/);
});
