/** Files of the spool that tell of each that it is open: so many large messages are under way. */
import type { OpenFile } from './files.ts';
import type { SpoolFiles } from './spool.ts';

/** @param tell of one that is open, or no longer. Must not throw. */
export function countedFiles(files: SpoolFiles, tell: (change: 1 | -1) => void): SpoolFiles {
  const counted = (file: OpenFile): OpenFile => {
    tell(1);
    let isOpen = true;
    return {
      append: (bytes) => file.append(bytes),
      readAt: (target, position) => file.readAt(target, position),
      sync: () => file.sync(),
      close: async () => {
        if (isOpen) tell(-1);
        isOpen = false;
        await file.close();
      },
    };
  };
  return {
    create: async (path) => counted(await files.create(path)),
    unlink: (path) => files.unlink(path),
  };
}
