import type { Files } from './files.ts';
import { beside } from './ledger-place.ts';

/** What the ledger takes on the disk, in bytes: the database and its -wal file. */
export async function ledgerBytes(files: Files, file: string): Promise<number> {
  const sizes = await Promise.all([file, beside.wal(file)].map((path) => files.sizeOf(path)));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
