import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { familyCpuSeconds, familyOf, familyPeakBytes } from '../../../bench/stage/family.ts';

let shell: ChildProcessByStdio<Writable, Readable, null> | undefined;

afterEach(() => {
  shell?.stdin.end();
});

test('a family is the process and all that came from it, and counts with all of them', async () => {
  // The shell's child is a shell again, and tells who it is.
  shell = spawn('sh', ['-c', 'sh -c "echo \\$\\$; read wait" ; true'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [told] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = shell.pid ?? 0;
  expect(familyOf(pid)).toEqual([pid, Number(told.toString())]);
  expect(familyOf(process.pid)).toEqual(expect.arrayContaining([process.pid, pid]));
  expect(familyPeakBytes(process.pid)).toBeGreaterThan(familyPeakBytes(pid));
  expect(familyCpuSeconds(process.pid)).toBeGreaterThan(0);
  shell.stdin.end('\n');
  await once(shell, 'exit');
  expect(familyCpuSeconds(pid)).toBe(0);
});
