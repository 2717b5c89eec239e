/** A command that is run to its end, in a process group of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';

/** How a command ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** After its last test, for jest to end. */
const patienceMs = 15_000;

/** Of what is running. */
const kills = new Set<() => void>();

/**
 * Runs a command to its end. jest writes `results` when all tests are over; what a failed test
 * left open can then keep it from ending, so it is not waited for long.
 */
export async function run(
  command: string,
  args: readonly string[],
  results?: string,
): Promise<Ending> {
  // jest's words are on standard error.
  const output = results === undefined ? 'inherit' : 'ignore';
  const child = spawn(command, args, { stdio: ['ignore', output, 'inherit'], detached: true });
  // npm is not alone in it: the whole process group has to go.
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  kills.add(kill);
  const watch = setInterval(() => {
    if (results !== undefined && isOlder(results, patienceMs)) kill();
  }, 1000);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearInterval(watch);
  kills.delete(kill);
  return { code, signal };
}

/** Ends whatever is running. */
export function killAll(): void {
  for (const kill of kills) kill();
}

function isOlder(file: string, ms: number): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ms;
}
