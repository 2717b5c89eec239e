/** Programs that an update starts: each in a process group of its own, bounded in time and words. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { CancelSignal } from '../../cancel-signal.ts';
import { unlessAborted } from '../../cancellable.ts';
import type { Clock, Timer } from '../../clock.ts';
import type { UpdateLimits } from './limits.ts';

/** How a program ended. */
export interface Ended {
  /** Undefined when a signal ended it, or it could not be started. */
  readonly code: number | undefined;
  /** What of its words was kept, the end of them. */
  readonly output: string;
  /** Why it did not end by itself. */
  readonly problem?: string;
}

export interface ProgramOptions {
  /** Whose rights it has; ours when absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** When memory is short the kernel ends it before anything else. */
  readonly isExpendable?: boolean;
}

export interface Running {
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
  /** SIGTERM, and SIGKILL after a while; resolves as `ended`. */
  stop(): Promise<Ended>;
}

export interface Programs {
  start(command: readonly string[], options?: ProgramOptions): Running;
}

/**
 * Runs a program to its end.
 *
 * @returns with a problem when it took longer than `ms` and was ended.
 * @throws {Cancelled} when `signal` is aborted, after it was ended.
 */
export async function runProgram(
  running: Running,
  within: { readonly clock: Clock; readonly ms: number },
  signal: CancelSignal,
): Promise<Ended> {
  const late = new AbortController();
  const timer = within.clock.after(within.ms, () => {
    late.abort();
    void running.stop();
  });
  try {
    const ended = await unlessAborted(running.ended, signal);
    return late.signal.aborted
      ? { ...ended, problem: `not done after ${within.ms / 1000} s` }
      : ended;
  } catch (error) {
    await running.stop();
    throw error;
  } finally {
    timer.cancel();
  }
}

export class ChildPrograms implements Programs {
  readonly #clock: Clock;
  readonly #limits: Pick<UpdateLimits, 'endMs' | 'outputBytesMax'>;

  constructor(clock: Clock, limits: Pick<UpdateLimits, 'endMs' | 'outputBytesMax'>) {
    this.#clock = clock;
    this.#limits = limits;
  }

  start(command: readonly string[], options: ProgramOptions = {}): Running {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A Ctrl-C is ours to pass on, when what was drained has been given back.
      detached: true,
      ...options.owner,
    });
    const { pid } = child;
    if (options.isExpendable === true && pid !== undefined) makeExpendable(pid);
    const ended = this.#ended(child, program);
    return { pid: pid ?? 0, ended, stop: () => this.#stop(child, ended) };
  }

  #ended(child: ChildProcess, program: string): Promise<Ended> {
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-this.#limits.outputBytesMax);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    // What it has left behind may hold its output open for ever.
    child.once('exit', () => {
      const timer = this.#clock.after(this.#limits.endMs, () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      });
      child.once('close', () => {
        timer.cancel();
      });
    });
    return new Promise((resolve) => {
      child.once('error', (error) => {
        resolve({ code: undefined, output, problem: `${program}: ${error.message}` });
      });
      child.once('close', (code, signal) => {
        if (code !== null) resolve({ code, output });
        else resolve({ code: undefined, output, problem: `ended by ${signal ?? 'a signal'}` });
      });
    });
  }

  async #stop(child: ChildProcess, ended: Promise<Ended>): Promise<Ended> {
    signalGroup(child, 'SIGTERM');
    const timer: Timer = this.#clock.after(this.#limits.endMs, () => {
      signalGroup(child, 'SIGKILL');
    });
    const result = await ended;
    timer.cancel();
    return result;
  }
}

/** proc(5), oom_score_adj: everybody may raise that of his own. */
function makeExpendable(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // It has ended already, or belongs to another; then the kernel chooses as it likes.
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

/** The last lines of a program's words, for a report. */
export function lastLines(output: string, count: number): string {
  const lines = output.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  return lines.slice(-count).join('; ');
}
