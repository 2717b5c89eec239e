/**
 * The commit question and the witness, with a real Postfix as the next hop: what it asks, from
 * where, and what its queue files tell afterwards.
 */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { execFileSync, type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommitAnswer, CommitQuestion } from '../../src/engine/commit-gate.ts';
import { systemClock } from '../../src/clock.ts';
import { CommitListener, defaultCommitLimits } from '../../src/listener/commit-listener.ts';
import type { QueueFate } from '../../src/relay/evidence.ts';
import { WitnessClient } from '../../src/relay/witness-client.ts';
import { describeNeeding } from '../support/needs.ts';
import { startPostfix, type PrivatePostfix } from '../support/private-postfix.ts';
import type { PostfixOptions } from '../support/private-postfix-config.ts';
import { submit } from '../support/submit.ts';
import { makeWorkdir } from '../support/workdir.ts';

const script = join(import.meta.dirname, '../../bin/clamgate.js');
const question = ['smtpd_end_of_data_restrictions=check_policy_service,unix:clamgate/commit.sock'];
const data = Buffer.from('Subject: x\r\nMessage-ID: <1@client.test>\r\n\r\nx\r\n');
const message = { from: '<a@client.test>', to: ['<b@sink.test>'], data };

jest.setTimeout(60_000);

describeNeeding(
  ['root', 'postfix', 'systemd-socket-activate'],
  'the commit question and the witness',
  () => {
    let postfix: PrivatePostfix;
    let commit: CommitListener;
    let witness: ChildProcess | undefined;
    let client: WitnessClient;
    let asked: CommitQuestion[];
    let gate: (question: CommitQuestion) => Promise<CommitAnswer>;
    let troubles: string[];
    let opened: boolean;

    beforeEach(() => {
      [asked, troubles, opened] = [[], [], false];
      gate = () => Promise.resolve('go');
    });
    afterEach(async () => {
      if (!opened) return;
      client.close();
      await endWitness();
      commit.destroy();
      await postfix.stop();
    });

    async function open(options: PostfixOptions = {}, path?: string): Promise<void> {
      const mainCf = ['enable_long_queue_ids = yes', ...(options.mainCf ?? [])];
      postfix = await startPostfix({ reinjectOptions: question, ...options, mainCf });
      opened = true;
      const onFault = (error: unknown): void => {
        troubles.push(String(error));
      };
      commit = new CommitListener({
        gate: {
          asked: (put) => {
            asked.push(put);
            return gate(put);
          },
        },
        clock: systemClock,
        limits: defaultCommitLimits,
        onFault,
      });
      await commit.open({ path: path ?? join(postfix.queueDirectory, 'clamgate/commit.sock') });
      client = new WitnessClient({
        connect: { path: witnessSocket() },
        clock: systemClock,
        onTrouble: (detail) => troubles.push(detail),
      });
      await startWitness();
    }

    function witnessSocket(): string {
      return join(postfix.queueDirectory, '../data/witness.sock');
    }

    /** As user postfix, whose data directory that is; as root where that user cannot read our files. */
    async function startWitness(more: string[] = []): Promise<void> {
      const user = { uid: idOf('-u'), gid: idOf('-g') };
      const readable = spawnSync('test', ['-r', script], user).status === 0;
      const socket = ['--socket', witnessSocket(), '--queue-directory', postfix.queueDirectory];
      witness = spawn(process.execPath, [script, 'witness', ...socket, ...more], {
        stdio: ['ignore', 'inherit', 'pipe'],
        ...(readable ? user : {}),
      });
      let said = '';
      witness.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
      await eventually(
        () => said.includes('listening on') || undefined,
        () => `witness: ${said}`,
      );
      chmodSync(witnessSocket(), 0o660);
    }

    async function endWitness(): Promise<void> {
      if (!witness) return;
      const ended = once(witness, 'exit');
      witness.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      witness = undefined;
    }

    async function decided(queueId: string): Promise<QueueFate> {
      return eventually(
        async () => {
          const fate = await client.fate(queueId);
          return fate === 'undecided' ? undefined : fate;
        },
        () => `${queueId} stays undecided`,
      );
    }

    /** The process that asks at the commit socket. */
    function smtpdPid(): number {
      const [pid] = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((name) => {
          try {
            const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
            return (
              command.startsWith('smtpd\0-n\0') && command.includes(`:${postfix.reinjectPort}\0`)
            );
          } catch {
            return false;
          }
        });
      return Number(pid);
    }

    test.each(['n', 'y'])(
      'asked before the commit, smtpd chrooted: %s; held, then committed for good',
      async (chroot) => {
        await open({ chrooted: chroot === 'y' });
        const seen: unknown[] = [];
        gate = async ({ queueId }) => {
          seen.push(await client.hold(queueId), await client.fate(queueId));
          return 'go';
        };
        const [reply = ''] = await submit(postfix.reinjectPort, message);
        await postfix.sink.received(1);
        await postfix.drained();

        const [put] = asked;
        expect(reply).toBe(`250 2.0.0 Ok: queued as ${put?.queueId ?? ''}`);
        expect(put?.heloName).toBe('client.test');
        expect(put?.instance).toMatch(/^[0-9a-f.]+$/);
        expect([seen, asked.length]).toEqual([[true, 'undecided'], 1]);
        expect(await client.fate(put?.queueId ?? '')).toBe('committed');
        client.release(put?.queueId ?? '');
        expect(await client.fate(put?.queueId ?? '')).toBe('unknown');
        expect(troubles).toEqual([]);
      },
    );

    test('told that the attempt is stale: 451, nothing queued, not committed', async () => {
      await open({ chrooted: true });
      gate = async ({ queueId }) => ((await client.hold(queueId)) ? 'stale' : 'go');
      const [reply] = await submit(postfix.reinjectPort, message);
      expect(reply).toMatch(/^451 4\.3\.0 <END-OF-MESSAGE>: .*Stale attempt, not accepted/);
      expect(await decided(asked[0]?.queueId ?? '')).toBe('not-committed');
      await postfix.drained();
      expect(postfix.sink.messages).toEqual([]);
    });

    test('smtpd killed while the question is open: not committed', async () => {
      await open({ chrooted: true });
      const held = Promise.withResolvers<boolean>();
      const decision = Promise.withResolvers<CommitAnswer>();
      gate = async ({ queueId }) => {
        held.resolve(await client.hold(queueId));
        return decision.promise;
      };
      const lost = submit(postfix.reinjectPort, message).catch((error: unknown) => String(error));
      expect(await held.promise).toBe(true);
      process.kill(smtpdPid(), 'SIGKILL');
      expect(await lost).toMatch(/Error/);
      const fate = await decided(asked[0]?.queueId ?? '');
      decision.resolve('go');
      await postfix.drained();
      expect([fate, postfix.sink.messages]).toEqual(['not-committed', []]);
    });

    test('the client vanishes while the question is open, and go: committed', async () => {
      await open();
      const held = Promise.withResolvers<boolean>();
      const decision = Promise.withResolvers<CommitAnswer>();
      gate = async ({ queueId }) => {
        held.resolve(await client.hold(queueId));
        return decision.promise;
      };
      const socket = await atTheDot(postfix.reinjectPort);
      expect(await held.promise).toBe(true);
      socket.resetAndDestroy();
      decision.resolve('go');
      expect(await decided(asked[0]?.queueId ?? '')).toBe('committed');
      await postfix.sink.received(1);
    });

    test.each([
      ['short queue ids', 'no'],
      ['long queue ids', 'yes'],
    ])(
      'hashed queue directories, %s: held, and found again without a descriptor',
      async (_, long) => {
        await open({
          mainCf: [
            `enable_long_queue_ids = ${long}`,
            'hash_queue_names = incoming, active, deferred, defer',
            'hash_queue_depth = 2',
            'default_transport = retry:later',
            'relayhost =',
          ],
        });
        gate = async ({ queueId }) => ((await client.hold(queueId)) ? 'go' : 'stale');
        const [reply] = await submit(postfix.reinjectPort, message);
        const queueId = asked[0]?.queueId ?? '';
        expect(reply).toMatch(/^250 /);
        await postfix.logged(/status=deferred/);
        await endWitness();
        await startWitness();
        expect(await client.fate(queueId)).toBe('committed');
      },
    );

    test('after delivery and without a descriptor the log is left', async () => {
      await open();
      await submit(postfix.reinjectPort, message);
      gate = () => Promise.resolve('stale');
      await submit(postfix.reinjectPort, message);
      const [good = '', refused = ''] = asked.map(({ queueId }) => queueId);
      await postfix.sink.received(1);
      await postfix.drained();
      await postfix.logged(new RegExp(`${refused}: reject: END-OF-MESSAGE`));
      expect([await client.fate(good), await client.fate(refused)]).toEqual(['unknown', 'unknown']);
      await endWitness();
      const log = join(postfix.queueDirectory, '../mail.log');
      chmodSync(log, 0o644);
      await startWitness(['--log', log]);
      expect([await client.fate(good), await client.fate(refused)]).toEqual([
        'committed',
        'not-committed',
      ]);
      expect(await client.fate('4bKWxz75PmzNtL')).toBe('unknown');
    });

    test('on the socket that systemd gives it', async () => {
      const folder = makeWorkdir();
      const path = join(folder.path, 'witness.sock');
      const args = [process.execPath, script, 'witness', '--queue-directory', folder.path];
      // It becomes the witness when somebody connects.
      const activated = spawn('systemd-socket-activate', ['-l', path, ...args], {
        stdio: 'ignore',
      });
      const asker = new WitnessClient({
        connect: { path },
        clock: systemClock,
        onTrouble: () => undefined,
      });
      try {
        await eventually(
          () => existsSync(path) || undefined,
          () => 'no socket',
        );
        mkdirSync(join(folder.path, 'incoming'));
        writeFileSync(join(folder.path, 'incoming/A1'), '', { mode: 0o600 });
        await eventually(
          async () => (await asker.hold('A1')) || undefined,
          () => 'it does not answer',
        );
      } finally {
        asker.close();
        const ended = once(activated, 'exit');
        activated.kill('SIGTERM');
        expect(await ended).toEqual([0, null]);
        await folder.remove();
      }
    });

    test.each([
      ['n', /^250 /],
      ['y', /^451 4\.3\.5 /],
    ])(
      'an absolute path outside the queue directory, smtpd chrooted: %s',
      async (chroot, reply) => {
        const folder = makeWorkdir();
        try {
          const path = join(folder.path, 'commit.sock');
          const server = `check_policy_service,unix:${path}`;
          await open(
            {
              chrooted: chroot === 'y',
              reinjectOptions: [`smtpd_end_of_data_restrictions=${server}`],
            },
            path,
          );
          expect((await submit(postfix.reinjectPort, message))[0]).toMatch(reply);
          expect(asked).toHaveLength(chroot === 'y' ? 0 : 1);
          await postfix.drained();
          expect(postfix.sink.messages).toHaveLength(asked.length);
        } finally {
          await folder.remove();
        }
      },
    );
  },
);

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postfix']));
}

async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  failure: () => string,
): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(failure());
    await delay(50);
  }
}

/** A client that has said its final dot and waits. */
async function atTheDot(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const lines = ['EHLO client.test', 'MAIL FROM:<a@client.test>', 'RCPT TO:<b@sink.test>', 'DATA'];
  for (const line of lines) {
    await once(socket, 'data');
    socket.write(`${line}\r\n`);
  }
  await once(socket, 'data');
  socket.write(`${data.toString()}.\r\n`);
  return socket;
}
