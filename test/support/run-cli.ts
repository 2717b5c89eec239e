/** Runs a command line in this process, with what it writes kept and, unless told
 * otherwise, time that passes at once. */
import type { Clock } from '../../src/clock.ts';
import { main } from '../../src/cli/main.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runCli(
  args: readonly string[],
  { tty = false, clock = hastyClock(), clamdConfFiles = [] as readonly string[] } = {},
): Promise<Ran> {
  const written = { out: '', err: '' };
  const into = (which: 'out' | 'err') => ({
    isTTY: tty,
    write: (text: string) => (written[which] += text),
  });
  const surroundings = { stdout: into('out'), stderr: into('err'), env: {}, clock, clamdConfFiles };
  const code = await main(args, surroundings);
  return { code, ...written };
}

/** Whoever waits is called in the next turn, after `meanwhile`, and the time has passed. */
export function hastyClock(meanwhile: () => void = () => undefined): Clock {
  let time = 1_000_000;
  const now = () => time;
  return {
    now,
    monotonic: now,
    after(ms, act) {
      const pending = setImmediate(() => {
        time += ms;
        meanwhile();
        act();
      });
      return {
        cancel: () => {
          clearImmediate(pending);
        },
      };
    },
  };
}
