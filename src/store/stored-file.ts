/** Whole files: written so that their bytes survive a crash, and read back in pieces. */
import type { Files, Ownership } from './files.ts';

const pieceBytes = 64 * 1024;

/**
 * Creates `path`, which must not exist, with all of `content`, and fsyncs it. Its name is durable
 * only when the directory has been fsynced too.
 *
 * @param ownership instead of the process's own.
 *
 * @throws {OperationalError} STORE, and whatever `content` throws.
 */
export async function writeFile(
  files: Files,
  path: string,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  ownership?: Ownership,
): Promise<void> {
  const file = await files.create(path, ownership);
  try {
    for await (const chunk of content) await file.append(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The bytes of a file, in order. @throws {OperationalError} STORE. */
export async function* readPieces(files: Files, path: string): AsyncGenerator<Buffer, void> {
  const file = await files.open(path);
  try {
    for (let position = 0; ;) {
      const piece = Buffer.allocUnsafeSlow(pieceBytes);
      const filled = await file.readAt(piece, position);
      if (filled > 0) yield piece.subarray(0, filled);
      if (filled < pieceBytes) return;
      position += filled;
    }
  } finally {
    await file.close();
  }
}

/** @throws {OperationalError} STORE. */
export async function readWhole(files: Files, path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readPieces(files, path)) pieces.push(piece);
  return Buffer.concat(pieces);
}
