/** What an update asks of clamd, of the daemon and of programs, against stand-ins of them. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { Canceller } from '../../../src/cancel-signal.ts';
import { judgeCanary, SocketQuestions } from '../../../src/cli/update/clamd-questions.ts';
import { HttpControl } from '../../../src/cli/update/daemon-control.ts';
import { Lease } from '../../../src/cli/update/lease.ts';
import { updateLimits } from '../../../src/cli/update/limits.ts';
import { ChildPrograms, lastLines, runProgram } from '../../../src/cli/update/programs.ts';
import { ClamdTrial, trialConf } from '../../../src/cli/update/trial.ts';
import { systemClock } from '../../../src/clock.ts';
import { Cancelled } from '../../../src/errors.ts';
import { type Folder, makeFolder } from '../../support/config-file.ts';
import { addressOf, FakeClamd } from '../../support/fake-clamd.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeControl } from '../../support/fake-control.ts';

const { signal } = new AbortController();
let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => {
  folder.remove();
});

describe('a clamd', () => {
  const questions = new SocketQuestions(systemClock);
  let clamd: FakeClamd;
  beforeEach(async () => {
    clamd = await FakeClamd.start();
  });
  afterEach(async () => {
    await clamd.stop();
  });

  test('tells its version', async () => {
    expect(await questions.version(clamd.address, 5000, signal)).toMatchObject({ database: 27000 });
  });

  test.each(['220 ESMTP', undefined])('that says %s has none', async (words) => {
    clamd.version = words;
    expect(await questions.version(clamd.address, 5000, signal)).toBeUndefined();
  });

  test('that is not there has none', async () => {
    const address = addressOf(`unix:${folder.path}/none`);
    expect(await questions.version(address, 5000, signal)).toBeUndefined();
  });

  test('knows EICAR and harmless files', async () => {
    expect(await questions.canary(clamd.address, 5000, signal)).toEqual({ kind: 'right' });
    // The harmless one is known to the stand-in as a canary of the pool's.
    expect([clamd.streams.length, clamd.canaries]).toEqual([1, 1]);
  });

  test.each([
    ['calls EICAR clean', 'stream: OK\0', 'lying'],
    ['calls EICAR encrypted', 'stream: Heuristics.Encrypted.Zip FOUND\0', 'lying'],
    ['finds all things bad', 'stream: X FOUND\0', 'lying'],
    ['fails', 'Error writing to temporary file ERROR\0', 'failed'],
  ])('%s', async (_, words, kind) => {
    clamd.usual = { step: 'say', words };
    clamd.ofClean = words;
    expect((await questions.canary(clamd.address, 5000, signal)).kind).toBe(kind);
  });

  test('is not there for a canary', async () => {
    const address = addressOf(`unix:${folder.path}/none`);
    expect((await questions.canary(address, 5000, signal)).kind).toBe('failed');
  });

  test('an error beside a find is no find', () => {
    const failed = { reply: { kind: 'failed' }, words: 'x' } as const;
    const ok = { reply: { kind: 'ok' }, words: 'stream: OK' } as const;
    expect(judgeCanary(failed, ok).kind).toBe('failed');
  });
});

describe('RELOAD', () => {
  let server: Server;
  let heard: string;
  async function clamdSaying(words: string): Promise<string> {
    heard = '';
    server = createServer((socket) => {
      socket.on('data', (bytes) => {
        heard += bytes.toString();
        socket.end(words);
      });
    });
    server.listen(`${folder.path}/clamd`);
    await once(server, 'listening');
    return `unix:${folder.path}/clamd`;
  }
  afterEach(() => {
    server.close();
  });

  test.each([
    ['RELOADING\0', true],
    ['COMMAND UNAVAILABLE\0', false],
    ['UNKNOWN COMMAND\0', false],
    ['', false],
  ])('answered %j is taken: %s', async (words, isTaken) => {
    const address = addressOf(await clamdSaying(words));
    const told = new SocketQuestions(systemClock).reload(address, 5000, signal);
    if (isTaken) await told;
    else await expect(told).rejects.toMatchObject({ code: 'CLAMD' });
    expect(heard).toBe('zRELOAD\0');
  });
});

describe('the daemon', () => {
  let control: FakeControl;
  let http: HttpControl;
  beforeEach(async () => {
    const path = `${folder.path}/control.sock`;
    control = await FakeControl.start(path, ['unix:/a']);
    http = new HttpControl(`unix:${path}`, 5000);
  });
  afterEach(async () => {
    await control.stop();
  });

  test('drains for whole seconds, resumes, and tells of its endpoints', async () => {
    expect(await http.drain('unix:/a', 119_500)).toBe('drained');
    expect(await http.endpoints()).toMatchObject([{ endpoint: 'unix:/a', draining: true }]);
    expect(await http.resume('unix:/a')).toBe('resumed');
    expect(control.told).toEqual(['drain unix:/a 120', 'resume unix:/a']);
  });

  test('does not know an endpoint', async () => {
    expect([await http.drain('unix:/b', 1000), await http.resume('unix:/b')]).toEqual([
      'unknown',
      'unknown',
    ]);
  });

  test.each([405, 503])('refuses with %i: that is not the same as not knowing', async (status) => {
    control.refuses = status;
    await expect(http.drain('unix:/a', 1000)).rejects.toMatchObject({ exitCode: 69 });
  });

  test('does not run', async () => {
    const nobody = new HttpControl(`unix:${folder.path}/none`, 5000);
    expect([
      await nobody.endpoints(),
      await nobody.drain('x', 1),
      await nobody.resume('x'),
    ]).toEqual([undefined, 'nobody', 'nobody']);
  });
});

describe('a lease', () => {
  const limits = { leaseMs: 120_000, renewMs: 20_000 };
  const said: string[] = [];
  let drainAnswer: () => Promise<'drained' | 'unknown' | 'nobody'>;
  const control = {
    endpoints: () => Promise.resolve(undefined),
    drain: (name: string, ms: number) => {
      said.push(`drain ${name} ${ms}`);
      return drainAnswer();
    },
    resume: (name: string) => {
      said.push(`resume ${name}`);
      return Promise.resolve('resumed' as const);
    },
  };
  beforeEach(() => {
    said.length = 0;
    drainAnswer = () => Promise.resolve('drained');
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('is renewed until it is given back, whatever the daemon says meanwhile', async () => {
    const clock = new FakeClock();
    const lease = new Lease(control, 'a', clock, limits);
    await lease.begin();
    drainAnswer = () => Promise.reject(new Error('restarting'));
    for (let at = 0; at < 3; at++) {
      clock.advance(20_000);
      await turn();
    }
    expect(said).toHaveLength(4);
    await lease.end();
    clock.advance(600_000);
    expect([said.at(-1), said.length, clock.pending]).toEqual(['resume a', 5, 0]);
  });

  test('is given back after a renewal that is under way', async () => {
    const clock = new FakeClock();
    const lease = new Lease(control, 'a', clock, limits);
    await lease.begin();
    const { promise, resolve } = Promise.withResolvers<'drained'>();
    drainAnswer = () => promise;
    clock.advance(20_000);
    const ended = lease.end();
    await turn();
    expect(said.at(-1)).toBe('drain a 120000');
    resolve('drained');
    await ended;
    await turn();
    expect([said.at(-1), clock.pending]).toEqual(['resume a', 0]);
  });

  test.each(['unknown', 'nobody'] as const)('is none where the answer is %s', async (answer) => {
    const clock = new FakeClock();
    drainAnswer = () => Promise.resolve(answer);
    expect(await new Lease(control, 'a', clock, limits).begin()).toBe(answer);
    expect(clock.pending).toBe(0);
  });
});

describe('a program', () => {
  const programs = new ChildPrograms(systemClock, { endMs: 200, outputBytesMax: 100 });
  const within = { clock: systemClock, ms: 10_000 };

  test('ends with a code, and the end of its words', async () => {
    const script = 'echo first; printf "%0150d\\n" 7 >&2; exit 3';
    const ended = await runProgram(programs.start(['sh', '-c', script]), within, signal);
    expect(ended.code).toBe(3);
    expect(ended.output).toMatch(/^0{98}7\n$/);
  });

  test('that is not there is a problem, not an exception', async () => {
    const ended = await runProgram(programs.start(['/no/such']), within, signal);
    expect([ended.code, ended.problem]).toEqual([undefined, expect.stringContaining('ENOENT')]);
  });

  test('that takes too long is ended, and so is what it started and what ignores SIGTERM', async () => {
    // What holds its output would keep it from being over for a minute.
    const running = programs.start(['sh', '-c', "trap '' TERM; sleep 60 & sleep 60 & wait; wait"]);
    const ended = await runProgram(running, { clock: systemClock, ms: 300 }, signal);
    expect(ended.problem).toBe('not done after 0.3 s');
    expect(() => process.kill(running.pid, 0)).toThrow('ESRCH');
  });

  test('that leaves something behind which holds its output is over all the same', async () => {
    const running = programs.start(['sh', '-c', 'setsid sleep 60 & echo $!']);
    const { code, output, problem } = await runProgram(running, within, signal);
    // kill(2): of the pid 0, which no output reads as, this very group would be killed.
    expect(output).toMatch(/^[1-9]\d*\n$/);
    process.kill(Number(output), 'SIGKILL');
    expect([code, problem]).toEqual([0, undefined]);
  });

  test('that is called off is ended before that is told', async () => {
    const off = new Canceller();
    const running = programs.start(['sleep', '60']);
    setTimeout(() => {
      off.abort(new Cancelled('shutdown'));
    }, 50);
    await expect(runProgram(running, within, off.signal)).rejects.toThrow(Cancelled);
    expect(() => process.kill(running.pid, 0)).toThrow('ESRCH');
  });

  test('of which the last lines are told', () => {
    expect(lastLines('a\n\n b\r\nc\n', 2)).toBe(' b; c');
  });
});

describe('a trial', () => {
  /** A shell script in the place of clamd. */
  function trial(script: string, loadMsMax = 5000): ClamdTrial {
    const clamd = folder.write('clamd', `#!/bin/sh\n${script}\n`);
    return new ClamdTrial({
      clock: systemClock,
      programs: {
        start: (command) =>
          new ChildPrograms(systemClock, updateLimits).start(['sh', clamd, ...command.slice(1)]),
      },
      questions: new SocketQuestions(systemClock),
      limits: { ...updateLimits, pollMs: 20, answerMs: 500, endMs: 200 },
      clamd,
      stateDirectory: folder.path,
      databaseDirectory: folder.path,
      loadMsMax,
      isRoot: false,
    });
  }

  test.each<[string, string, string, string]>([
    ['a database that is broken', 'echo ERROR: Malformed database; exit 1', 'bad', 'Malformed'],
    ['an end without a word', 'exit 1', 'bad', 'clamd ended with 1'],
    ['what it cannot listen on', 'echo ERROR: LOCAL: Socket in use; exit 1', 'unknown', 'Socket'],
    ['too little memory', "echo ERROR: Can\\'t allocate memory; exit 2", 'unknown', 'allocate'],
    ['what the kernel ends', 'kill -9 $$', 'unknown', 'ended by SIGKILL'],
  ])('%s', async (_, script, kind, why) => {
    const result = await trial(script).run('/d', undefined, signal);
    expect(result).toMatchObject({ kind, why: expect.stringContaining(why) });
    expect(readdirSync(folder.path).filter((name) => name.startsWith('trial-'))).toEqual([]);
  });

  test('that does not come to an end is none', async () => {
    const result = await trial(`echo $$ > ${folder.path}/pid; exec sleep 60`, 300).run(
      '/d',
      undefined,
      signal,
    );
    expect(result).toMatchObject({ kind: 'unknown', why: expect.stringContaining('0.3 s') });
    expect(existsSync(`${folder.path}/pid`)).toBe(true);
  });

  test('has of a clamd.conf what decides about signatures, and nothing that acts', () => {
    const conf = new Map([
      ['DetectPUA', 'yes'],
      ['OfficialDatabaseOnly', 'yes'],
      ['VirusEvent', '/bin/alarm'],
      ['LocalSocket', '/run/clamd'],
      ['TCPSocket', '3310'],
      ['LogFile', '/var/log/clamd'],
      ['PidFile', '/run/pid'],
      ['DatabaseDirectory', '/var/lib/clamav'],
      ['SelfCheck', '600'],
    ]);
    const text = trialConf('/t', '/d', conf);
    expect(
      text.split('\n').filter((line) => /PUA|Official|Socket |Database|Self/.test(line)),
    ).toEqual([
      'LocalSocket /t/clamd.sock',
      'DatabaseDirectory /d',
      'SelfCheck 0',
      'OfficialDatabaseOnly yes',
      'DetectPUA yes',
    ]);
    expect(text).not.toMatch(/VirusEvent|TCPSocket|LogFile|PidFile/);
  });
});
