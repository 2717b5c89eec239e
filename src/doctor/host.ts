/** The machine as the probes see it, so that tests can put another in its place. */
import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { runProgram, type RunProgram } from '../run-program.ts';

export interface Host {
  readonly clock: Clock;
  /** Of this process. */
  readonly uid: number;
  readonly run: RunProgram;
  /** Rejects as readFile does. */
  readonly readText: (path: string) => Promise<string>;
  /** Names in a directory; rejects as readdir does. */
  readonly list: (directory: string) => Promise<readonly string[]>;
}

export function systemHost(clock: Clock): Host {
  return {
    clock,
    uid: process.getuid?.() ?? -1,
    run: runProgram,
    readText: (path) => readFile(path, 'utf8'),
    list: (directory) => readdir(directory),
  };
}

/** What a program prints. @throws with its first complaint, when it does not end well. */
export async function output(
  { run }: Host,
  program: string,
  args: readonly string[],
): Promise<string> {
  const { code, out, err } = await run(program, args);
  if (code === 0) return out;
  const [line = ''] = err.trim().split('\n');
  throw new Error(line === '' ? `${program} ended with code ${code ?? '?'}` : line);
}
