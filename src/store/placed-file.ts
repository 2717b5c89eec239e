/**
 * A file that is written in place while it is open. The seam where tests make the disk fail, hang or
 * die: a write blocks a thread of libuv's pool and nobody else.
 */
import { close, open, write } from 'node:fs';
import { messageOf, OperationalError } from '../errors.ts';

export interface PlacedFile {
  /**
   * Writes all of `bytes`, which must not change until it has ended, at `position`.
   *
   * @param done told once, with what went wrong: then nobody knows what of it was written.
   */
  write(bytes: Buffer, position: number, done: (problem: Error | undefined) => void): void;
  /** After the last write. Nobody is told of a failure: nothing is to be done about it. */
  close(): void;
}

/**
 * Opens a file that is there.
 *
 * @param flags of open(2), among them O_DSYNC where a write is to end when it is durable.
 * @throws {OperationalError} STORE (as a rejection).
 */
export function openPlacedFile(path: string, flags: number): Promise<PlacedFile> {
  return new Promise((resolve, reject) => {
    open(path, flags, 0o600, (cause, file) => {
      if (cause) reject(new OperationalError('STORE', `cannot open ${path}: ${messageOf(cause)}`));
      else resolve(placedFile(file));
    });
  });
}

function placedFile(file: number): PlacedFile {
  return {
    write: (bytes, position, done) => {
      write(file, bytes, 0, bytes.length, position, (problem, written) => {
        const short = written < bytes.length;
        done(problem ?? (short ? new Error('the disk is full: it took only a part') : undefined));
      });
    },
    close: () => {
      close(file, () => undefined);
    },
  };
}
