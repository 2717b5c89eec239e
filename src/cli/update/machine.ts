/** What this machine says of its memory and processes (proc(5), cgroups(7) version 2). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LargeProcess } from './memory.ts';

export interface Machine {
  /** MemAvailable; undefined where the kernel does not say. */
  availableBytes(): number | undefined;
  /** Processes with their memory; those that end meanwhile are left out. */
  processes(): ProcessFacts[];
  /** What is still allowed to the control groups of a process; undefined without a ceiling. */
  groupRoomBytes(pid: number): number | undefined;
}

export interface ProcessFacts extends LargeProcess {
  /** In swap, beside what is resident. */
  readonly swapBytes: number;
  /** Its command line; empty where that may not be read. */
  readonly command: readonly string[];
}

export class LinuxMachine implements Machine {
  readonly #proc: string;
  readonly #groups: string;

  constructor(proc = '/proc', groups = '/sys/fs/cgroup') {
    this.#proc = proc;
    this.#groups = groups;
  }

  availableBytes(): number | undefined {
    return kibibytes(this.#read('meminfo'), 'MemAvailable');
  }

  processes(): ProcessFacts[] {
    let names: string[];
    try {
      names = readdirSync(this.#proc);
    } catch {
      return [];
    }
    return names.filter((name) => /^\d+$/.test(name)).flatMap((name) => this.#process(name));
  }

  groupRoomBytes(pid: number): number | undefined {
    const path = /^0::(\/.*)$/m.exec(this.#read(`${pid}/cgroup`) ?? '')?.[1];
    if (path === undefined) return undefined;
    const rooms: number[] = [];
    for (let group = path; group !== '/' && group !== ''; group = group.replace(/\/[^/]*$/, '')) {
      const room = this.#roomOf(join(this.#groups, group));
      if (room !== undefined) rooms.push(room);
    }
    return rooms.length === 0 ? undefined : Math.min(...rooms);
  }

  #process(name: string): ProcessFacts[] {
    const status = this.#read(`${name}/status`);
    const residentBytes = kibibytes(status, 'VmRSS');
    // Threads of the kernel have no memory of their own.
    if (status === undefined || residentBytes === undefined) return [];
    const command = (this.#read(`${name}/cmdline`) ?? '').split('\0').filter((word) => word !== '');
    return [
      {
        pid: Number(name),
        name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '',
        residentBytes,
        swapBytes: kibibytes(status, 'VmSwap') ?? 0,
        command,
      },
    ];
  }

  #roomOf(directory: string): number | undefined {
    const max = Number(readText(join(directory, 'memory.max')) ?? 'max');
    const current = Number(readText(join(directory, 'memory.current')) ?? NaN);
    if (!Number.isFinite(max) || !Number.isFinite(current)) return undefined;
    // The kernel takes back what is only cached.
    const stat = readText(join(directory, 'memory.stat')) ?? '';
    const cached = Number(/^inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0);
    return Math.max(0, max - current + cached);
  }

  #read(path: string): string | undefined {
    return readText(join(this.#proc, path));
  }
}

/** The largest first. */
export function largest(processes: readonly LargeProcess[], count: number): LargeProcess[] {
  return [...processes].sort((a, b) => b.residentBytes - a.residentBytes).slice(0, count);
}

function kibibytes(text: string | undefined, key: string): number | undefined {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value) * 1024;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
