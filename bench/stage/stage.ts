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
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { makeWorkdir, type Workdir } from '../../test/support/workdir.ts';
import type { ProcessName } from '../report/figures.ts';
import type { Job, JobAnswer, JobDone } from '../load/load.ts';
import { writeSignatures } from './signatures.ts';
import { listenerOf, startDaemon } from './daemon.ts';
import { type StandIn, startStandIn } from './stand-in.ts';

export interface StageOptions {
  /** In clamd; 'stand-in': not clamd, but one that reads and says OK. */
  readonly signatures: number | 'stand-in';
  /** Where clamgate's CPU profile goes when it ends. */
  readonly profileDirectory?: string | undefined;
}

/** Where a load goes, and who is at work then. */
export interface Place {
  readonly target: Job['target'];
  readonly pids: Partial<Readonly<Record<ProcessName, number>>>;
  /** Resolves when all is through that was accepted, where that is not at once. */
  readonly drained?: () => Promise<void>;
}

/** Of those that are always there. */
export type StageVariant = 'sink' | 'clamd' | 'clamd-whole' | 'floor' | 'clamgate';

/** For what is under way when the time of a load is over: many large messages take a minute. */
const patienceSeconds = 240;

export class Stage {
  readonly sinkPort: number;
  readonly clamgatePort: number;
  readonly floorPort: number;
  readonly clamdSocket: string;
  readonly daemon: PrivateDaemon;
  readonly pids: Readonly<Record<'floor' | 'clamgate' | 'clamd' | 'sink' | 'load', number>>;
  readonly places: Readonly<Record<StageVariant, Place>>;
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
    const clamd = await startScanner(workdir, options.signatures, tell);
    tell('starting clamgate');
    const { profileDirectory } = options;
    const listener = listenerOf(ports.clamgate, ports.sink);
    const daemon = await startDaemon(
      { listeners: [listener], clamd: [`unix:${clamd.socket}`] },
      profileDirectory,
    );
    const stage = new Stage({
      ports,
      clamd,
      daemon,
      sinkPid,
      close: [() => daemon.close(), () => clamd.close(), () => workdir.remove()],
    });
    await portAnswers(ports.floor);
    return stage;
  }

  async load(job: Job): Promise<JobDone> {
    const signal = AbortSignal.timeout((job.seconds + patienceSeconds) * 1000);
    const answered = once(this.#load, 'message', { signal }) as Promise<[JobAnswer]>;
    this.#load.send(job);
    const [answer] = await answered.catch((cause: unknown) => {
      throw new Error(`${JSON.stringify(job)}: no end to it`, { cause });
    });
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
    'clamd-whole': {
      target: { protocol: 'clamd', path: clamdSocket, wholeOnly: true },
      pids: { clamd, load },
    },
    floor: { target: { protocol: 'smtp', port: floorPort }, pids: { floor, clamd, sink, load } },
    clamgate: {
      target: { protocol: 'smtp', port: clamgatePort },
      pids: { clamgate, clamd, sink, load },
    },
  };
}

/** A clamd, or what stands in for it. */
async function startScanner(
  workdir: Workdir,
  signatures: StageOptions['signatures'],
  tell: (what: string) => void,
): Promise<StandIn> {
  if (signatures === 'stand-in') return startStandIn();
  tell(`starting clamd with ${signatures} signatures`);
  const clamd = await startClamd(workdir, signatures);
  return {
    socket: clamd.unix.name.replace(/^unix:/, ''),
    pid: Number(readFileSync(pidFileOf(workdir), 'utf8')),
    close: () => clamd.close(),
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
