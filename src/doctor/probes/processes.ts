/** What /proc tells of a process (proc(5)). */
import type { ProcessFacts } from '../facts.ts';
import type { Host } from '../host.ts';

/** USER_HZ, which is 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

/** @throws what reading /proc throws: no rights, or the process is gone. */
export async function readProcess(host: Host, pid: number): Promise<ProcessFacts> {
  const read = (name: string): Promise<string> => host.readText(`/proc/${pid}/${name}`);
  const [status, limits, cmdline, cgroup, stat, boot] = await Promise.all([
    read('status'),
    read('limits'),
    read('cmdline'),
    read('cgroup'),
    read('stat'),
    host.readText('/proc/stat'),
  ]);
  const unit = /\/([^/\n]+\.service)(?:\/|$)/m.exec(cgroup)?.[1];
  // Behind the name, which may hold anything, in brackets; starttime is the 22nd field.
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const booted = Number(/^btime (\d+)$/m.exec(boot)?.[1]);
  return {
    pid,
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
    openFilesMax: openFiles(limits),
    commandLine: cmdline.split('\0').filter(Boolean),
    ...(unit === undefined ? {} : { unit }),
    started: (booted + ticks / ticksPerSecond) * 1000,
  };
}

function openFiles(limits: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Infinity : Number(soft);
}
