/** Whether a clamd has signatures of which VERSION does not tell: those that are not ClamAV's own. */
import { readdir } from 'node:fs/promises';

/** What freshclam keeps there: the databases, their signatures, its own state, what it works on. */
const own =
  /^(?:(?:main|daily|bytecode)(?:-\d+)?\.(?:cvd|cld|cdiff)(?:\.sign)?|freshclam\.dat|mirrors\.dat|tmp\..*|clamav-.*\.tmp|lost\+found)$/;

/** @returns undefined where the directory cannot be read. */
export async function hasForeignSignatures(directory: string): Promise<boolean | undefined> {
  try {
    const names = await readdir(directory);
    return !names.every((name) => own.test(name));
  } catch {
    return undefined;
  }
}
