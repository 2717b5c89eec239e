/**
 * Debian's clamd in a throw-away directory, with a database that knows EICAR and nothing else: by
 * digest and by its bytes at offset 0, so that what was not decoded is not found.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import { eicar } from './eicar.ts';
import { addressOf } from './fake-clamd.ts';
import { freePort } from './ports.ts';
import { makeWorkdir, type Workdir } from './workdir.ts';

export interface PrivateClamdSettings {
  /** As clamd.conf writes them: '25M'. */
  readonly StreamMaxLength?: string;
  readonly MaxFileSize?: string;
  readonly MaxScanSize?: string;
  /** The backlog of its sockets; Debian has 15. */
  readonly MaxConnectionQueueLength?: string;
}

const startSeconds = 60;
const signal = new AbortController().signal;

export class PrivateClamd {
  readonly unix: ClamdAddress;
  readonly tcp: ClamdAddress;
  readonly port: number;
  readonly #workdir: Workdir;
  #process: ChildProcess | undefined;

  private constructor(workdir: Workdir, port: number) {
    this.#workdir = workdir;
    this.port = port;
    this.unix = addressOf(`unix:${join(workdir.path, 'clamd.sock')}`);
    this.tcp = addressOf(`tcp://127.0.0.1:${port}`);
  }

  /** Resolves when it answers PING. */
  static async start(settings: PrivateClamdSettings = {}): Promise<PrivateClamd> {
    const clamd = new PrivateClamd(makeWorkdir(), await freePort());
    clamd.#configure(settings);
    await clamd.restart();
    return clamd;
  }

  /** Ends the daemon; its socket refuses from now on. */
  async stop(): Promise<void> {
    const daemon = this.#process;
    this.#process = undefined;
    if (daemon === undefined) return;
    daemon.kill('SIGKILL');
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
  }

  async restart(): Promise<void> {
    await this.stop();
    const conf = join(this.#workdir.path, 'clamd.conf');
    const pidFile = join(this.#workdir.path, 'clamd.group');
    this.#workdir.owns(pidFile);
    this.#process = spawn('/usr/sbin/clamd', ['--config-file', conf], {
      stdio: 'ignore',
      detached: true,
    });
    writeFileSync(pidFile, `${this.#process.pid ?? ''}\n`);
    await this.#answers();
  }

  /** Freezes it: connections are accepted by the kernel, and nothing answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends the daemon and removes its directory. */
  async close(): Promise<void> {
    await this.stop();
    await this.#workdir.remove();
  }

  #configure(settings: PrivateClamdSettings): void {
    const { path } = this.#workdir;
    const database = join(path, 'db');
    mkdirSync(database);
    writeDatabase(database);
    // clamd gives up root's rights, and the socket is its own to make.
    chmodSync(path, 0o777);
    const options = {
      Foreground: 'yes',
      User: process.getuid?.() === 0 ? 'clamav' : undefined,
      LocalSocket: join(path, 'clamd.sock'),
      LocalSocketMode: '666',
      FixStaleSocket: 'yes',
      TCPSocket: String(this.port),
      TCPAddr: '127.0.0.1',
      DatabaseDirectory: database,
      LogFile: join(path, 'clamd.log'),
      TemporaryDirectory: path,
      StreamMaxLength: '25M',
      MaxFileSize: '25M',
      MaxScanSize: '100M',
      ...settings,
    };
    const lines = Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${value}\n`],
    );
    writeFileSync(join(path, 'clamd.conf'), lines.join(''));
  }

  async #answers(): Promise<void> {
    const dialling = { clock: systemClock, connectMs: 1000 };
    for (let tries = 0; tries < startSeconds * 10; tries++) {
      const answer = await ask(this.unix, 'PING', dialling, signal).catch(() => '');
      if (answer === 'PONG') return;
      await delay(100);
    }
    throw new Error(`clamd does not answer after ${startSeconds} s`);
  }
}

/** What a database needs to find EICAR; also for others who start a clamd. */
export function writeDatabase(directory: string): void {
  const digest = createHash('md5').update(eicar).digest('hex');
  writeFileSync(join(directory, 'test.hdb'), `${digest}:${eicar.length}:Eicar-Digest\n`);
  const bytes = Buffer.from(eicar).toString('hex');
  writeFileSync(join(directory, 'test.ndb'), `Eicar-Bytes:0:0:${bytes}\n`);
}
