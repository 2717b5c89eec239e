/**
 * A file of Postfix's queue, and what its state tells of its message. Opened for reading and never
 * read: only its mode and its links are looked at.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { queueNames, queuePaths } from './queue-paths.ts';

export type FileFate =
  | 'committed'
  | 'not-committed'
  | 'undecided'
  /** Left behind incomplete: whoever wrote it has most likely died, and nothing proves it. */
  | 'abandoned';

interface FileState {
  readonly mode: number;
  readonly nlink: number;
  readonly mtimeMs: number;
}

/**
 * Nothing is written to a queue file between its last byte and its commit, while milters are asked
 * (milter_content_timeout is 300 s) and the disk is waited for. Postfix itself removes what was
 * left behind only when it is a week old (postsuper(1), -p): no message can wait for that.
 */
const abandonedMs = 15 * 60_000;

/** mail_stream(3): the mode that cleanup gives a complete file; until then it has 0600. */
const ready = constants.S_IXUSR;

/**
 * What the state of a queue file means. It holds after delivery, too: a file that has been removed
 * and is still open keeps its mode.
 *
 * @param now milliseconds since the epoch.
 */
export function fateOf({ mode, nlink, mtimeMs }: FileState, now: number): FileFate {
  if ((mode & ready) !== 0) return 'committed';
  if (nlink === 0) return 'not-committed';
  return now - mtimeMs > abandonedMs ? 'abandoned' : 'undecided';
}

/**
 * A descriptor of the queue file, wherever it is; undefined when there is none. It blocks for the
 * time of an open(2): handing it to another thread would cost ten times that.
 */
export function openQueueFile(directory: string, queueId: string): number | undefined {
  // A link is not followed, and a pipe is not waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  for (const path of placesOf(directory, queueId)) {
    const file = openIfThere(path, flags);
    if (file === undefined) continue;
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
  }
  return undefined;
}

/** The fate of a file that is in the queue; undefined when it is not, or was moved meanwhile. */
export async function queueFileFate(
  directory: string,
  queueId: string,
  now: number,
): Promise<FileFate | undefined> {
  for (const path of placesOf(directory, queueId)) {
    const state = await lstat(path).catch(absent);
    if (state?.isFile()) return fateOf(state, now);
  }
  return undefined;
}

function* placesOf(directory: string, queueId: string): Generator<string> {
  for (const queue of queueNames) {
    for (const path of queuePaths(queue, queueId)) yield join(directory, path);
  }
}

function openIfThere(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags);
  } catch (error) {
    absent(error as NodeJS.ErrnoException);
    return undefined;
  }
}

/** open(2): ELOOP is a link. Anything else, such as no rights, is a failure and not an answer. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
  throw error;
}
