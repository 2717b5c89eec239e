/** Which programs of the system are there. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Daemons stand in sbin, which is not on everyone's PATH. */
const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** What of `needs` is missing here; 'root' is the user, anything else a program. */
export function missing(needs: readonly string[]): readonly string[] {
  return needs.filter((need) =>
    need === 'root' ? process.getuid?.() !== 0 : programPath(need) === undefined,
  );
}

function programPath(name: string): string | undefined {
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
