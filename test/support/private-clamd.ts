/**
 * Debian's clamd in a throw-away directory, with a database that knows EICAR and nothing else: by
 * digest and by its bytes at offset 0, so that what was not decoded is not found.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import { eicar } from './eicar.ts';
import { addressOf } from './fake-clamd.ts';
import { manySignatures } from './many-signatures.ts';
import { freePort } from './ports.ts';
import { makeWorkdir, type Workdir } from './workdir.ts';

export interface PrivateClamdSettings {
  /** As clamd.conf writes them: '25M'. */
  readonly StreamMaxLength?: string;
  readonly MaxFileSize?: string;
  readonly MaxScanSize?: string;
  /** The backlog of its sockets; Debian has 15. */
  readonly MaxConnectionQueueLength?: string;
  readonly MaxRecursion?: string;
  readonly MaxThreads?: string;
  readonly ConcurrentDatabaseReload?: 'yes' | 'no';
  readonly AlertExceedsMax?: 'yes' | 'no';
  /** The address that its port is on, besides 127.0.0.1 where it is a wildcard. */
  readonly TCPAddr?: string;
  /** Connections that wait for a thread. */
  readonly MaxQueue?: string;
  readonly DisableCache?: 'yes' | 'no';
  /** Seconds without a look of its own at its database; 0: it never looks. */
  readonly SelfCheck?: string;
  /** Seconds that a scan thread without work stays. */
  readonly IdleTimeout?: string;
  /** Instead of one of its own, which knows EICAR and nothing else. */
  readonly DatabaseDirectory?: string;
}

/** How long it may load its signatures, and who is told while it does. */
export interface StartPatience {
  readonly seconds: number;
  /** Told every ten seconds how many have passed. */
  readonly loading: (seconds: number) => void;
}

const usualPatience: StartPatience = { seconds: 60, loading: () => undefined };
const signal = new AbortController().signal;

export class PrivateClamd {
  readonly unix: ClamdAddress;
  readonly tcp: ClamdAddress;
  readonly port: number;
  readonly #workdir: Workdir;
  readonly #patience: StartPatience;
  #process: ChildProcess | undefined;

  private constructor(workdir: Workdir, port: number, patience: StartPatience) {
    this.#workdir = workdir;
    this.#patience = patience;
    this.port = port;
    this.unix = addressOf(`unix:${join(workdir.path, 'clamd.sock')}`);
    this.tcp = addressOf(`tcp://127.0.0.1:${port}`);
  }

  /** Resolves when it answers PING. */
  static async start(
    settings: PrivateClamdSettings = {},
    patience = usualPatience,
  ): Promise<PrivateClamd> {
    const clamd = new PrivateClamd(makeWorkdir(), await freePort(), patience);
    clamd.#configure(settings);
    try {
      await clamd.restart();
    } catch (error) {
      await clamd.close();
      throw error;
    }
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
    await untilUp(() => this.#isUp(), systemClock, this.#patience);
  }

  /** Changes its configuration; it is read at the next start. */
  set(option: string, value: string): void {
    const conf = join(this.#workdir.path, 'clamd.conf');
    const others = readFileSync(conf, 'utf8').replace(new RegExp(`^${option} .*\\n`, 'm'), '');
    writeFileSync(conf, `${others}${option} ${value}\n`);
  }

  /**
   * Adds the digest of a file to its database, which it loads at the next start or RELOAD.
   *
   * @param number that VERSION tells of the database from then on; without it, none is told of.
   * @param ageMs how long ago it was made, by what VERSION tells.
   */
  writeSignature(number: number | undefined, file: Buffer, ageMs = 60_000): void {
    const digest = createHash('md5').update(file).digest('hex');
    const line = `${digest}:${file.length}:Added\n`;
    const directory = join(this.#workdir.path, 'db');
    if (number === undefined) writeFileSync(join(directory, 'added.hdb'), line);
    else writeFileSync(join(directory, 'daily.cud'), unsignedDatabase(number, line, ageMs));
  }

  /** Adds so many signatures that match nothing, so that it takes its time to load them. */
  writeMany(count: number): void {
    const lines = [...manySignatures(count)].join('');
    writeFileSync(join(this.#workdir.path, 'db', 'many.hsb'), lines);
  }

  /** Ends it as the kernel does; nobody starts it again. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** Its log so far. */
  get log(): string {
    return readFileSync(join(this.#workdir.path, 'clamd.log'), 'utf8');
  }

  /** Takes EICAR from its database, or gives it back; it is loaded at the next start or RELOAD. */
  knowsEicar(knows: boolean): void {
    const directory = join(this.#workdir.path, 'db');
    if (knows) writeDatabase(directory);
    else for (const name of databaseFiles) rmSync(join(directory, name), { force: true });
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

  /** @throws when it has ended, with its last words. */
  async #isUp(): Promise<boolean> {
    const dialling = { clock: systemClock, connectMs: 1000 };
    const answer = await ask(this.unix, 'PING', dialling, signal).catch(() => '');
    const ended = this.#process?.exitCode ?? this.#process?.signalCode;
    if (ended !== undefined && ended !== null) throw new Error(`clamd ended: ${this.#lastWords()}`);
    return answer === 'PONG';
  }

  #lastWords(): string {
    const log = join(this.#workdir.path, 'clamd.log');
    const text = existsSync(log) ? readFileSync(log, 'utf8') : 'it did not get as far as a log';
    return text.trim().split('\n').at(-1) ?? '';
  }
}

/** Asks ten times a second. @throws when the patience is at its end, and what `isUp` throws. */
export async function untilUp(
  isUp: () => Promise<boolean>,
  clock: Clock,
  { seconds, loading }: StartPatience,
): Promise<void> {
  const start = clock.monotonic();
  for (let told = 0; !(await isUp());) {
    const waited = Math.floor((clock.monotonic() - start) / 1000);
    if (waited >= seconds) throw new Error(`clamd does not answer after ${seconds} s`);
    if (waited >= told + 10) loading((told += 10));
    await new Promise<void>((resolve) => clock.after(100, resolve));
  }
}

/** What a database needs to find EICAR; also for others who start a clamd. */
const databaseFiles = ['test.hdb', 'test.ndb'];

export function writeDatabase(directory: string): void {
  const digest = createHash('md5').update(eicar).digest('hex');
  writeFileSync(join(directory, 'test.hdb'), `${digest}:${eicar.length}:Eicar-Digest\n`);
  const bytes = Buffer.from(eicar).toString('hex');
  writeFileSync(join(directory, 'test.ndb'), `Eicar-Bytes:0:0:${bytes}\n`);
}

/**
 * A container of ClamAV's form without a signature of its own: 512 bytes of header, then .tar.gz with
 * a list of what is in it, which has to agree.
 */
export function unsignedDatabase(number: number, signatures: string, ageMs = 60_000): Buffer {
  const built = Math.floor((Date.now() - ageMs) / 1000);
  const header = `ClamAV-VDB:01 Jan 2026 00-00 +0000:${number}:1:90:X:X:test:${built}`;
  const digest = createHash('sha256').update(signatures).digest('hex');
  const list = `${header}\ndaily.hdb:${signatures.length}:${digest}\n`;
  const files = [tarred('daily.info', list), tarred('daily.hdb', signatures), Buffer.alloc(1024)];
  return Buffer.concat([Buffer.from(header.padEnd(512, ' ')), gzipSync(Buffer.concat(files))]);
}

/** POSIX ustar: 512 bytes of header with a sum of itself, then the content in whole blocks. */
function tarred(name: string, text: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  header.write(`${text.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124);
  header.write('        0', 148);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const content = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  content.write(text);
  return Buffer.concat([header, content]);
}
