/**
 * A throw-away directory that goes, with the daemons that were started in it, when it is closed or
 * when this process ends, whatever ends it: a shell on a pipe waits for the end of both and cleans
 * up. There is one way of cleaning up, so it is tried by every test.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads names of pid files until its input ends, then kills those process groups. */
const cleaner = `
while read -r pidfile; do pidfiles="$pidfiles $pidfile"; done
for pidfile in $pidfiles; do
  pid=
  read -r pid < "$pidfile"
  test -n "$pid" && kill -KILL "-$pid"
done
rm -rf -- "$1"`;

export interface Workdir {
  /** Absolute, without spaces, and open to daemons that give up root's rights. */
  readonly path: string;
  /**
   * The process group whose leader's pid will stand in this file is killed when the directory goes.
   * Say so before the daemon starts, so that no moment is left in which it could stay behind.
   */
  owns(pidFile: string): void;
  /** Resolves when the daemons have been killed and the directory is gone. */
  remove(): Promise<void>;
}

export function makeWorkdir(): Workdir {
  const path = mkdtempSync(join(tmpdir(), 'clamgate-'));
  chmodSync(path, 0o755);
  // In a session of its own: Ctrl-C must not reach it before it has cleaned up.
  const child = spawn('sh', ['-c', cleaner, 'cleaner', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const gone = once(child, 'exit');
  child.unref();
  // A pipe of Node is a socket, though its type does not say so.
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    path,
    owns: (pidFile) => child.stdin.write(`${pidFile}\n`),
    remove: async () => {
      child.ref();
      child.stdin.end();
      await gone;
    },
  };
}
