/** Files of the spool that tell how many bytes go through them. */
import type { OpenFile } from './files.ts';
import type { SpoolFiles } from './spool.ts';

/** @param moved told of each write and read when it is done. Must not throw. */
export function countedFiles(files: SpoolFiles, moved: (bytes: number) => void): SpoolFiles {
  return {
    create: async (path) => counted(await files.create(path), moved),
    unlink: (path) => files.unlink(path),
  };
}

function counted(file: OpenFile, moved: (bytes: number) => void): OpenFile {
  return {
    append: async (bytes) => {
      await file.append(bytes);
      moved(bytes.length);
    },
    readAt: async (target, position) => {
      const filled = await file.readAt(target, position);
      moved(filled);
      return filled;
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
