/** What /proc tells of a process (proc(5)). */
import type { LargeProcess, ProcessFacts } from '../facts.ts';
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
    rssBytes: kibibytes(status, 'VmRSS'),
    swapBytes: kibibytes(status, 'VmSwap'),
    openFilesMax: openFiles(limits),
    commandLine: cmdline.split('\0').filter(Boolean),
    ...(unit === undefined ? {} : { unit }),
    started: (booted + ticks / ticksPerSecond) * 1000,
  };
}

/** The `count` largest, the largest first; those that end meanwhile are left out. @throws without /proc. */
export async function readLargest(host: Host, count: number): Promise<readonly LargeProcess[]> {
  const pids = (await host.list('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => {
      const status = await host.readText(`/proc/${pid}/status`).catch(() => '');
      const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
      return { pid: Number(pid), name, rssBytes: kibibytes(status, 'VmRSS') };
    }),
  );
  return all.toSorted((one, other) => other.rssBytes - one.rssBytes).slice(0, count);
}

/** 0 where it is not there, as for threads of the kernel. */
function kibibytes(status: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function openFiles(limits: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === 'unlimited' ? Infinity : Number(soft);
}
