/** What processes have used, from proc(5). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * User and system time of all its threads, in seconds.
 *
 * @param children of those of its children, too, that it has waited for.
 */
export function cpuSeconds(pid: number, children = false): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses can hold spaces; utime and stime are fields 14 and 15, and then cutime, cstime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, children ? 15 : 13).reduce((sum, each) => sum + Number(each), 0);
  return ticks / ticksPerSecond;
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** The most resident memory since it began, or since `forgetPeak`. */
export function peakResidentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/**
 * Of all its threads, to the nanosecond, in seconds. Those that have ended are not in it: for programs
 * that keep theirs, as Node.js does.
 */
export function preciseCpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => sum + taskSeconds(pid, task), 0);
}

/** The same of its first thread alone, which is where Node.js has its event loop. */
export function mainThreadSeconds(pid: number): number {
  return taskSeconds(pid, String(pid));
}

function taskSeconds(pid: number, task: string): number {
  const [ran] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
  return Number(ran) / 1e9;
}

/** The peak is what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
