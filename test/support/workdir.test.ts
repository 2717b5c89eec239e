import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeWorkdir, type Workdir } from './workdir.ts';

/** Makes a directory, starts a daemon in it, says both and waits for its end. */
const program = `
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { makeWorkdir } from ${JSON.stringify(join(import.meta.dirname, 'workdir.ts'))};
const { path, owns } = makeWorkdir();
const daemon = spawn('sleep', ['600'], { detached: true });
writeFileSync(path + '/pid', '   ' + daemon.pid);
owns(path + '/missing');
owns(path + '/pid');
console.log(path + ' ' + daemon.pid);
setInterval(() => {}, 1000);
`;

/** A daemon in a process group of its own, which nobody but the workdir ends. */
function startDaemon(workdir: Workdir): Promise<unknown> {
  const daemon = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  writeFileSync(join(workdir.path, 'pid'), `${daemon.pid ?? ''}\n`);
  workdir.owns(join(workdir.path, 'pid'));
  return once(daemon, 'exit');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a workdir', () => {
  let left: { path: string; pid: number } | undefined;
  afterEach(() => {
    if (left !== undefined && isAlive(left.pid)) process.kill(left.pid);
    left = undefined;
  });

  test('goes with the daemon in it when it is removed', async () => {
    const workdir = makeWorkdir();
    const exit = startDaemon(workdir);
    expect(existsSync(workdir.path)).toBe(true);
    await workdir.remove();

    expect(existsSync(workdir.path)).toBe(false);
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  test('goes with the daemon in it when the process that made it is killed', async () => {
    const maker = spawn('node', ['--input-type=module-typescript', '-e', program]);
    const [line] = (await once(createInterface(maker.stdout), 'line')) as [string];
    const [path = '', pid = ''] = line.split(' ');
    left = { path, pid: Number(pid) };
    expect([existsSync(path), isAlive(left.pid)]).toEqual([true, true]);
    maker.kill('SIGKILL');
    await gone(() => existsSync(path) || isAlive(Number(pid)));

    expect([existsSync(path), isAlive(left.pid)]).toEqual([false, false]);
  });
});

/** Waits while `there` holds, at most five seconds; the caller asserts. */
async function gone(there: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && there(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
