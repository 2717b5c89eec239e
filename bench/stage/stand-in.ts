/** Starts the stand-in for clamd (stand-in-clamd.ts), in a directory of its own. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeWorkdir } from '../../test/support/workdir.ts';

export interface StandIn {
  readonly socket: string;
  readonly pid: number;
  close(): Promise<void>;
}

const pollMs = 20;

/** @param takesMs for each stream, without computing anything. */
export async function startStandIn(takesMs = 0): Promise<StandIn> {
  const workdir = makeWorkdir();
  const socket = join(workdir.path, 'clamd.sock');
  const clamd = fork(join(import.meta.dirname, 'stand-in-clamd.ts'), [socket, String(takesMs)]);
  while (!existsSync(socket)) await delay(pollMs);
  return {
    socket,
    pid: clamd.pid ?? 0,
    close: async () => {
      clamd.disconnect();
      await workdir.remove();
    },
  };
}
