/** A program in the foreground, in a process group of its own, with its log beside it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, signalAll } from './group.ts';
import { portAnswers } from '../support/ports.ts';
import type { Workdir } from '../support/workdir.ts';

export class DaemonProcess {
  /** Path of its log. */
  readonly log: string;
  readonly #workdir: Workdir;
  readonly #name: string;
  #process: ChildProcess | undefined;

  constructor(workdir: Workdir, name: string) {
    this.#workdir = workdir;
    this.#name = name;
    this.log = join(workdir.path, `${name}.log`);
  }

  /** 0 when it was not started. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when `port` answers. */
  async start(command: string, args: readonly string[], port: number): Promise<void> {
    const { path } = this.#workdir;
    const pidFile = join(path, `${this.#name}.group`);
    this.#workdir.owns(pidFile);
    const log = openSync(this.log, 'a');
    this.#process = spawn(command, args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    writeFileSync(pidFile, `${this.#process.pid ?? ''}\n`);
    await portAnswers(port).catch((error: unknown) => {
      throw new Error(`${this.#name} does not start:\n${this.#logEnd()}`, { cause: error });
    });
  }

  async kill(): Promise<void> {
    const daemon = this.#process;
    this.#process = undefined;
    if (daemon?.pid === undefined) return;
    const ended = daemon.exitCode !== null || daemon.signalCode !== null;
    const exit = ended ? undefined : once(daemon, 'exit');
    signalAll(processesOf(daemon.pid), 'SIGKILL');
    await exit;
  }

  #logEnd(): string {
    const log = readFileSync(this.log, 'utf8');
    return log.split('\n').slice(-20).join('\n');
  }
}
