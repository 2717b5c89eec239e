/** The program beside the daemon that looks into the queue of the Postfix behind it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Workdir } from '../support/workdir.ts';

const script = join(import.meta.dirname, '../../bin/clamgate.js');
const startSeconds = 20;

export function witnessSocket(directory: string): string {
  return join(directory, 'witness.sock');
}

export class Witness {
  readonly #workdir: Workdir;
  readonly #queue: string;
  #process: ChildProcess | undefined;

  constructor(workdir: Workdir, queue: string) {
    this.#workdir = workdir;
    this.#queue = queue;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when its socket is there. */
  async start(): Promise<void> {
    const { path } = this.#workdir;
    const pidFile = join(path, 'witness.group');
    this.#workdir.owns(pidFile);
    const socket = witnessSocket(path);
    // What a killed one has left is not a sign of life.
    rmSync(socket, { force: true });
    const args = [script, 'witness', '--socket', socket, '--queue-directory', this.#queue];
    this.#process = spawn(execPath, args, { stdio: 'ignore', detached: true });
    writeFileSync(pidFile, `${this.#process.pid ?? ''}\n`);
    for (let tries = 0; tries < startSeconds * 20; tries++) {
      if (existsSync(socket)) return;
      await delay(50);
    }
    throw new Error(`the witness has no socket after ${startSeconds} s`);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const witness = this.#process;
    this.#process = undefined;
    if (witness?.exitCode !== null || witness.signalCode !== null) return;
    witness.kill('SIGKILL');
    await once(witness, 'exit');
  }
}
