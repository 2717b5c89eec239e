import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * Removes the socket file that a daemon left behind when it was killed. Where somebody listens, or may
 * do so, it is another daemon's and stays; so does anything that is not a socket.
 *
 * @throws {Error} when a daemon listens there, or may, or the path is not a socket.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is not a socket`);
  const refusal = await refusalOf(path);
  if (refusal === undefined) throw new Error(`${path} is in use by another process`);
  // Another one has removed it.
  if (refusal === 'ENOENT') return;
  // EAGAIN is a listener with a full backlog, EACCES tells nothing (unix(7), connect(2)).
  if (refusal !== 'ECONNREFUSED') {
    throw new Error(`${path} may be in use by another process (${refusal})`);
  }
  await unlink(path);
}

/** The code of the error that connecting meets; undefined when somebody answers. */
function refusalOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (code?: string): void => {
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => {
      end();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code ?? error.message);
    });
  });
}
