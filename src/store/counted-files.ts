/** Files of the spool that tell how many bytes are in them: so much of large messages is under way. */
import type { OpenFile } from './files.ts';
import type { SpoolFiles } from './spool.ts';

/** @param tell how many bytes there are more, or fewer (below 0). Must not throw. */
export function countedFiles(files: SpoolFiles, tell: (bytes: number) => void): SpoolFiles {
  return {
    create: async (path) => counted(await files.create(path), tell),
    unlink: (path) => files.unlink(path),
  };
}

function counted(file: OpenFile, tell: (bytes: number) => void): OpenFile {
  let size = 0;
  return {
    append: (bytes) => {
      size += bytes.length;
      tell(bytes.length);
      return file.append(bytes);
    },
    readAt: (target, position) => file.readAt(target, position),
    sync: () => file.sync(),
    close: () => {
      if (size > 0) tell(-size);
      size = 0;
      return file.close();
    },
  };
}
