/** What can befall a whole private Postfix: frozen, killed, started again, its mail queued anew. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PrivatePostfix } from '../support/private-postfix.ts';
import { processesOf, signalAll } from './group.ts';
import { firstMessageId } from './message.ts';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** master(8) leads a session of its own, in which all its processes are. */
export function groupOf(postfix: PrivatePostfix): number {
  return Number(readFileSync(join(postfix.queueDirectory, 'pid/master.pid'), 'utf8'));
}

export function freeze(postfix: PrivatePostfix): void {
  signalAll(processesOf(groupOf(postfix)), 'SIGSTOP');
}

export function thaw(postfix: PrivatePostfix): void {
  signalAll(processesOf(groupOf(postfix)), 'SIGCONT');
}

/** SIGKILL to every process of this name. */
export function killProcesses(postfix: PrivatePostfix, name: string): void {
  signalAll(processesOf(groupOf(postfix), name), 'SIGKILL');
}

/** SIGKILL to all of it; resolves when it is gone. */
export async function killAll(postfix: PrivatePostfix): Promise<void> {
  const group = groupOf(postfix);
  while (processesOf(group).length > 0) {
    signalAll(processesOf(group), 'SIGKILL');
    await delay(20);
  }
}

/**
 * After `killAll`: a queue file that was never whole stays as it is, and long after its writer's
 * death the witness takes it for left behind. Here that long is over at once.
 */
export function letTimePassForUnfinished(postfix: PrivatePostfix): void {
  const earlier = new Date(Date.now() - 3_600_000);
  const incoming = join(postfix.queueDirectory, 'incoming');
  for (const entry of readdirSync(incoming, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (statSync(path).mode & whole) === 0) utimesSync(path, earlier, earlier);
  }
}

/** Resolves when it accepts mail again. */
export async function startAgain(postfix: PrivatePostfix): Promise<void> {
  await run('postfix', ['-c', postfix.configDirectory, 'start'], { env });
}

/** `postsuper -r ALL`: every message goes through pickup and cleanup again, in a new queue file. */
export async function requeueAll(postfix: PrivatePostfix): Promise<void> {
  const config = ['-c', postfix.configDirectory];
  await run('postsuper', [...config, '-r', 'ALL'], { env });
  // W wakes pickup(8) up, which else looks once a minute.
  await run('postkick', [...config, 'public', 'pickup', 'W'], { env });
}

/** A message goes from queue to queue while they are read: looked at in a ring, none is missed. */
const ring = ['hold', 'maildrop', 'deferred', 'incoming', 'active', 'deferred'];
/** S_IXUSR: Postfix sets it when the file is whole and it has taken charge (mail_queue.h). */
const whole = 0o100;

/**
 * The Message-IDs of what Postfix has taken charge of, '' where a file has none, by queue id. A file
 * that was never whole is no message, and may stay for a day.
 */
export function queuedIn(postfix: PrivatePostfix): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const queue of ring) {
    const directory = join(postfix.queueDirectory, queue);
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      const id = entry.isFile() ? idOf(join(entry.parentPath, entry.name)) : undefined;
      if (id !== undefined) found.set(entry.name, id);
    }
  }
  return found;
}

/** Undefined when it is not whole, or gone meanwhile. */
function idOf(path: string): string | undefined {
  try {
    const taken = (statSync(path).mode & whole) !== 0;
    return taken ? (firstMessageId(readFileSync(path)) ?? '') : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
