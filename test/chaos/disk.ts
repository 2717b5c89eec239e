/** A small disk that can be filled. It is unmounted when it is closed or this process ends, whatever ends it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorkdir } from '../support/workdir.ts';

/** Like that of makeWorkdir, a shell that waits for the end of its input. */
const holder = `
trap '' INT
mount -t tmpfs -o size="$2",mode=755 tmpfs "$1" || exit 1
echo mounted
cat > /dev/null
umount -l "$1"`;

export interface Disk {
  readonly path: string;
  /** Leaves no byte of it. */
  fill(): void;
  free(): void;
  close(): Promise<void>;
}

/** @param size as mount(8) has it: '4M'. */
export async function mountDisk(size: string): Promise<Disk> {
  const workdir = makeWorkdir();
  const { path } = workdir;
  const child = spawn('sh', ['-c', holder, 'holder', path, size], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const gone = once(child, 'exit');
  const mounted = once(child.stdout, 'data').then(() => true);
  if ((await Promise.race([mounted, gone])) !== true) {
    await workdir.remove();
    throw new Error('no disk could be mounted');
  }
  const filler = join(path, 'filler');
  return {
    path,
    fill: () => {
      fillUp(filler, path);
    },
    free: () => {
      rmSync(filler, { force: true });
    },
    close: async () => {
      child.stdin.end();
      await gone;
      await workdir.remove();
    },
  };
}

function fillUp(filler: string, path: string): void {
  for (;;) {
    const { bavail, bsize } = statfsSync(path);
    if (bavail === 0) return;
    try {
      appendFileSync(filler, Buffer.alloc(bavail * bsize));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
