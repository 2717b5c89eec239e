/** Everything that is measured: a clamd, a smtp-sink, clamgate between them, and the load. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, portAnswers } from '../../test/support/ports.ts';
import {
  PrivateClamd,
  type PrivateClamdSettings,
  writeDatabase,
} from '../../test/support/private-clamd.ts';
import {
  type DaemonListener,
  type DaemonOptions,
  PrivateDaemon,
} from '../../test/support/private-daemon.ts';
import { makeWorkdir, type Workdir } from '../../test/support/workdir.ts';
import type { Variant } from '../report/figures.ts';
import type { Job, JobAnswer, JobDone } from '../load/load.ts';
import { writeSignatures } from './signatures.ts';

export interface StageOptions {
  readonly signatures: number;
  /** Where clamgate's CPU profile goes when it ends. */
  readonly profileDirectory?: string | undefined;
}

export type ProcessName = 'clamgate' | 'floor' | 'witness' | 'clamd' | 'sink' | 'load';

/** Where a load goes, and who is at work then. */
export interface Place {
  readonly target: Job['target'];
  readonly pids: Partial<Readonly<Record<ProcessName, number>>>;
}

export class Stage {
  readonly sinkPort: number;
  readonly clamgatePort: number;
  readonly floorPort: number;
  readonly clamdSocket: string;
  readonly daemon: PrivateDaemon;
  readonly pids: Readonly<Record<Exclude<ProcessName, 'witness'>, number>>;
  readonly places: Readonly<Record<Variant, Place>>;
  readonly #load: ChildProcess;
  readonly #floor: ChildProcess;
  readonly #close: readonly (() => Promise<void>)[];
  readonly #sent = new Map<string, number>();

  private constructor(parts: {
    ports: { sink: number; clamgate: number; floor: number };
    clamd: { socket: string; pid: number };
    daemon: PrivateDaemon;
    sinkPid: number;
    close: readonly (() => Promise<void>)[];
  }) {
    this.sinkPort = parts.ports.sink;
    this.clamgatePort = parts.ports.clamgate;
    this.clamdSocket = parts.clamd.socket;
    this.daemon = parts.daemon;
    this.#close = parts.close;
    this.#load = fork(join(import.meta.dirname, '../load/load.ts'));
    this.#floor = fork(join(import.meta.dirname, 'floor.ts'), [
      String(parts.ports.floor),
      String(parts.ports.sink),
      this.clamdSocket,
    ]);
    this.floorPort = parts.ports.floor;
    this.pids = {
      floor: this.#floor.pid ?? 0,
      clamgate: parts.daemon.pid,
      clamd: parts.clamd.pid,
      sink: parts.sinkPid,
      load: this.#load.pid ?? 0,
    };
    this.places = placesOf(this);
  }

  /** @param tell what is being done, for people. */
  static async start(options: StageOptions, tell: (what: string) => void): Promise<Stage> {
    const workdir = makeWorkdir();
    const ports = {
      sink: await freePort(),
      clamgate: await freePort(),
      floor: await freePort(),
    };
    const sinkPid = await startSink(workdir, ports.sink);
    tell(`starting clamd with ${options.signatures} signatures`);
    const clamd = await startClamd(workdir, options.signatures);
    tell('starting clamgate');
    const { profileDirectory } = options;
    const listener = listenerOf(ports.clamgate, ports.sink);
    const daemon = await startDaemon(
      { listeners: [listener], clamd: [clamd.unix.name] },
      profileDirectory,
    );
    const stage = new Stage({
      ports,
      clamd: {
        socket: clamd.unix.name.replace(/^unix:/, ''),
        pid: Number(readFileSync(pidFileOf(workdir), 'utf8')),
      },
      daemon,
      sinkPid,
      close: [() => daemon.close(), () => clamd.close(), () => workdir.remove()],
    });
    await portAnswers(ports.floor);
    return stage;
  }

  async load(job: Job): Promise<JobDone> {
    const answered = once(this.#load, 'message') as Promise<[JobAnswer]>;
    this.#load.send(job);
    const [answer] = await answered;
    if ('error' in answer) throw new Error(`${JSON.stringify(job)}: ${answer.error}`);
    const to = JSON.stringify(job.target);
    this.#sent.set(to, (this.#sent.get(to) ?? 0) + answer.messages);
    return answer;
  }

  /** How many messages all loads have sent there. */
  sentTo(target: Job['target']): number {
    return this.#sent.get(JSON.stringify(target)) ?? 0;
  }

  async close(): Promise<void> {
    this.#load.disconnect();
    this.#floor.disconnect();
    for (const close of this.#close) await close();
  }
}

function placesOf(stage: Stage): Stage['places'] {
  const { sinkPort, clamgatePort, floorPort, clamdSocket, pids } = stage;
  const { sink, clamd, load, floor, clamgate } = pids;
  return {
    sink: { target: { protocol: 'smtp', port: sinkPort }, pids: { sink, load } },
    clamd: { target: { protocol: 'clamd', path: clamdSocket }, pids: { clamd, load } },
    floor: { target: { protocol: 'smtp', port: floorPort }, pids: { floor, clamd, sink, load } },
    clamgate: {
      target: { protocol: 'smtp', port: clamgatePort },
      pids: { clamgate, clamd, sink, load },
    },
  };
}

async function startSink(workdir: Workdir, port: number): Promise<number> {
  const pidFile = join(workdir.path, 'sink.group');
  workdir.owns(pidFile);
  // As root it wants to be told whose rights to take.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const backlog = '500';
  const sink = spawn('/usr/sbin/smtp-sink', [...user, `127.0.0.1:${port}`, backlog], {
    stdio: 'ignore',
    detached: true,
  });
  sink.unref();
  writeFileSync(pidFile, `${sink.pid ?? ''}\n`);
  await portAnswers(port);
  return sink.pid ?? 0;
}

export async function startClamd(workdir: Workdir, signatures: number): Promise<PrivateClamd> {
  const database = join(workdir.path, 'database');
  mkdirSync(database);
  writeDatabase(database);
  writeSignatures(database, signatures);
  const settings: PrivateClamdSettings & Record<string, string> = {
    DatabaseDirectory: database,
    PidFile: pidFileOf(workdir),
    StreamMaxLength: '100M',
    MaxThreads: '12',
    MaxQueue: '100',
    SelfCheck: '0',
  };
  return PrivateClamd.start(settings);
}

function pidFileOf(workdir: Workdir): string {
  return join(workdir.path, 'clamd.pid');
}

export function listenerOf(port: number, nextHopPort: number): DaemonListener {
  return {
    protocol: 'smtp',
    address: `127.0.0.1:${port}`,
    nextHop: `127.0.0.1:${nextHopPort}`,
  };
}

/** A daemon as the service runs it. @param more options for Node.js besides. */
export async function startDaemon(
  options: DaemonOptions,
  profileDirectory: string | undefined,
  more = '',
): Promise<PrivateDaemon> {
  const { NODE_OPTIONS = '', ...rest } = serviceEnvironment();
  const profile =
    profileDirectory === undefined ? '' : ` --cpu-prof --cpu-prof-dir=${profileDirectory}`;
  const daemon = PrivateDaemon.prepare(options);
  await daemon.restart({
    env: { ...rest, NODE_OPTIONS: `${NODE_OPTIONS}${profile} ${more}` },
  });
  return daemon;
}

/** What the service gives the daemon, so that what is measured is what people run. */
function serviceEnvironment(): Readonly<Record<string, string>> {
  const unit = readFileSync(join(import.meta.dirname, '../../systemd/clamgate.service'), 'utf8');
  const lines = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, line = '']) => line);
  // NODE_OPTIONS=--one=1, or A=1 B=2: what is put there has no spaces in it.
  return Object.fromEntries(
    lines
      .flatMap((line) => line.split(' '))
      .map((each) => each.split(/=(.*)/, 2) as [string, string]),
  );
}
