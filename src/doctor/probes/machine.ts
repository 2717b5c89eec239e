/** Memory, disks, clock and kernel of this machine. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DiskFacts, Memory } from '../facts.ts';
import { type Host, output } from '../host.ts';

/**
 * Swap is not counted, as clamgate update does not: a clamd that loads into it is slow for minutes.
 *
 * @throws when there is no /proc.
 */
export async function readMemory(host: Host): Promise<Memory> {
  const text = await host.readText('/proc/meminfo');
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return {
    availableBytes: bytes('MemAvailable'),
    totalBytes: bytes('MemTotal'),
  };
}

/** @throws when there is no /proc. */
export async function readSomaxconn(host: Host): Promise<number> {
  return Number(await host.readText('/proc/sys/net/core/somaxconn'));
}

/** statfs(2): tmpfs, ramfs. */
const inMemoryTypes = [0x01021994, 0x858458f6];

type Space = Extract<DiskFacts['space'], { known: true }>['value'];

/** Of the nearest directory that is there. @throws what statfs throws. */
export async function readSpace(path: string): Promise<Space> {
  try {
    const { bavail, bsize, type } = await statfs(path);
    return { freeBytes: bavail * bsize, inMemory: inMemoryTypes.includes(type) };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing || dirname(path) === path) throw error;
    return readSpace(dirname(path));
  }
}

/** @throws when neither systemd nor chrony tells. */
export async function readClock(
  host: Host,
): Promise<{ readonly synchronised: boolean; readonly source: string }> {
  const args = ['show', '-p', 'NTPSynchronized', '--value'];
  const told = await output(host, 'timedatectl', args).catch(() => undefined);
  if (told !== undefined) return { synchronised: told.trim() === 'yes', source: 'timedatectl' };
  const tracking = await output(host, 'chronyc', ['-n', 'tracking']).catch(() => undefined);
  if (tracking === undefined) throw new Error('neither timedatectl nor chronyc answers');
  return { synchronised: /^Leap status\s*: Normal/m.test(tracking), source: 'chronyc' };
}
