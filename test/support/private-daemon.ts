/** The daemon itself as an administrator starts it, with its own files in a throw-away directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, readFileSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askControl } from '../../src/cli/control-client.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import { systemClock } from '../../src/clock.ts';
import { nodeFiles } from '../../src/store/files.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import { makeWorkdir, type Workdir } from './workdir.ts';

export interface DaemonListener {
  readonly protocol: 'smtp' | 'lmtp' | 'milter' | 'policy';
  readonly address: string;
  /** Not for a Milter. */
  readonly nextHop?: string;
  readonly position?: 'after-queue' | 'before-queue';
  /** Further lines of its table. */
  readonly more?: string;
}

export interface DaemonOptions {
  readonly listeners: readonly DaemonListener[];
  readonly clamd: readonly string[];
  /** How long mail waits for a clamd, where not the default. */
  readonly waitMax?: string;
  /** On unless it is said to be off. */
  readonly ledger?: boolean;
  /** As the configuration has it, where not the default. */
  readonly ledgerMaxSize?: string;
  /** As the configuration has it, where not the default. */
  readonly workers?: number;
  /** TOML tables that are added. */
  readonly more?: string;
  /** Where spool and quarantine lie, when not among its other files. */
  readonly stateDirectory?: string;
}

/** Another program in place of bin/clamgate.js, and variables that are added for it. */
export interface DaemonEntry {
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const script = join(import.meta.dirname, '../../bin/clamgate.js');

export class PrivateDaemon {
  readonly configFile: string;
  readonly control: string;
  readonly quarantine: Quarantine;
  readonly spoolDirectory: string;
  readonly ledgerFile: string;
  /** Path of its log. */
  readonly log: string;
  readonly #workdir: Workdir;
  readonly #state: string;
  #process: ChildProcess | undefined;

  private constructor(options: DaemonOptions) {
    this.#workdir = makeWorkdir();
    const { path } = this.#workdir;
    this.configFile = join(path, 'clamgate.toml');
    this.control = `unix:${join(path, 'control.sock')}`;
    this.#state = options.stateDirectory ?? path;
    this.spoolDirectory = join(this.#state, 'spool');
    this.ledgerFile = join(this.#state, 'ledger/ledger.db');
    this.log = join(path, 'clamgate.log');
    const directory = join(this.#state, 'quarantine');
    const removed = (): void => undefined;
    this.quarantine = new Quarantine({ files: nodeFiles, directory, clock: systemClock, removed });
    this.configure(options);
  }

  /** Configured and not started. */
  static prepare(options: DaemonOptions): PrivateDaemon {
    return new PrivateDaemon(options);
  }

  /** Resolves when it listens. */
  static async start(options: DaemonOptions): Promise<PrivateDaemon> {
    const daemon = PrivateDaemon.prepare(options);
    await daemon.restart();
    return daemon;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  configure({
    listeners,
    clamd,
    ledger = true,
    ledgerMaxSize,
    more = '',
    waitMax,
    workers = 1,
  }: DaemonOptions): void {
    const tables = listeners.map(
      ({ protocol, address, nextHop, position, more: lines = '' }) =>
        `[[listener]]\nprotocol = "${protocol}"\naddress = "${address}"\n` +
        (nextHop === undefined ? '' : `next_hop = "${nextHop}"\n`) +
        (position === undefined ? '' : `position = "${position}"\n`) +
        lines,
    );
    writeFileSync(
      this.configFile,
      `hostname = "filter.test"\nworkers = ${workers}\n${tables.join('')}
[clamd]
endpoints = ${JSON.stringify(clamd)}
stream_max_length = "100M"
max_file_size = "100M"
${waitMax === undefined ? '' : `wait_max = "${waitMax}"\n`}[spool]
directory = "${this.#state}/spool"
[quarantine]
directory = "${this.#state}/quarantine"
[ledger]
enabled = ${String(ledger)}
file = "${this.ledgerFile}"
${ledgerMaxSize === undefined ? '' : `max_size = "${ledgerMaxSize}"\n`}[control]
address = "${this.control}"
${more}`,
    );
  }

  async restart(entry: DaemonEntry = {}): Promise<void> {
    await this.stop();
    const pidFile = join(this.#workdir.path, 'clamgate.group');
    this.#workdir.owns(pidFile);
    mkdirSync(join(this.#state, 'quarantine'), { recursive: true });
    const log = openSync(this.log, 'a');
    const begun = this.logLines().length;
    const args = [entry.script ?? script, 'serve', '-c', this.configFile];
    this.#process = spawn(process.execPath, args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...entry.env },
    });
    closeSync(log);
    writeFileSync(pidFile, `${this.#process.pid ?? ''}\n`);
    await this.logged(/"event":"listening"/, begun);
  }

  /** SIGTERM; resolves to the exit code, null when a signal ended it. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.exited();
  }

  /** Resolves to the exit code, null when a signal ended it. */
  async exited(): Promise<number | null> {
    const daemon = this.#process;
    if (!daemon) return null;
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    return daemon.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  logLines(): readonly string[] {
    return readFileSync(this.log, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);
  }

  /** Resolves to the first line from `from` on that matches; rejects after `seconds`. */
  async logged(pattern: RegExp, from = 0, seconds = 20): Promise<string> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const line = this.logLines()
        .slice(from)
        .find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (performance.now() > end) {
        const tail = this.logLines().slice(-20).join('\n');
        throw new Error(
          `no line matches ${String(pattern)} after ${seconds} s; the log ends\n${tail}`,
        );
      }
      await delay(20);
    }
  }

  /** What the daemon remembers of the transactions, the newest first. */
  async transactions(): Promise<readonly TransactionRecord[]> {
    const answer = await askControl(this.control, '/transactions?limit=1000');
    return (answer as { transactions: TransactionRecord[] }).transactions;
  }

  /** Resolves when it takes mail, and has a clamd for it; rejects after `seconds`. */
  async ready(seconds = 60): Promise<void> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const { ready, reasons } = (await askControl(this.control, '/status')) as Status;
      if (ready) return;
      if (performance.now() > end) throw new Error(`not ready: ${reasons.join(', ')}`);
      await delay(20);
    }
  }

  /** Kills it and leaves nothing behind. */
  async close(): Promise<void> {
    await this.stop();
    await this.#workdir.remove();
  }
}
