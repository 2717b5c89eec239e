/**
 * Processes of a group: what a private daemon has started and nothing else, so that nobody else's
 * is ever struck.
 */
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly group: number;
}

/** The processes of a group, those of this name only when one is given. */
export function processesOf(group: number, name?: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(read)
    .filter((process) => process?.group === group && (name ?? process.name) === process.name)
    .map((process) => process?.pid ?? 0);
}

/** Undefined when it has ended meanwhile. proc_pid_stat(5). */
function read(entry: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
    const [, pid, name = '', group] = /^(\d+) \((.*)\) (?!Z)\S \d+ (\d+)/s.exec(stat) ?? [];
    return pid === undefined ? undefined : { pid: Number(pid), name, group: Number(group) };
  } catch {
    return undefined;
  }
}

/** Those that are gone already are none. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
