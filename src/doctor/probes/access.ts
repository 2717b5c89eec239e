/**
 * Whether a user can use a path, as the kernel sees it: asked as that user where we are root, else
 * worked out from owners and modes (ACLs and such are not seen then).
 */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { User } from '../facts.ts';
import type { Host } from '../host.ts';

/** What of a file is looked at. */
export interface Owned {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** What is to be done with a path; connect(2) to a socket asks for what writing asks for. */
export type Use = 'read' | 'write';

interface Right {
  /** Of the three of a class. */
  readonly bit: number;
  /** For access(2). */
  readonly mode: number;
  /** For test(1). */
  readonly option: string;
  readonly verb: string;
}

const rights: Readonly<Record<Use, Right>> = {
  read: { bit: 4, mode: constants.R_OK, option: '-r', verb: 'read' },
  write: { bit: 2, mode: constants.W_OK, option: '-w', verb: 'write to' },
};

/**
 * @returns '' where the user may use it so, else what is in the way.
 * @throws when it cannot be told.
 */
export async function obstacleFor(host: Host, user: User, path: string, use: Use): Promise<string> {
  const { mode, option, verb } = rights[use];
  const chain = await ownersOf(path);
  const last = chain.at(-1);
  if (last?.path !== path) return `${path} is not there`;
  const computed = obstacleIn(chain, user, use);
  const denied = computed === '' ? `${user.name} may not ${verb} ${path}` : computed;
  if (host.uid === user.uid) {
    return access(path, mode).then(
      () => '',
      () => denied,
    );
  }
  if (host.uid !== 0) return computed;
  const groups =
    user.groups.length === 0 ? ['--clear-groups'] : [`--groups=${user.groups.join(',')}`];
  const { code } = await host.run('setpriv', [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    ...groups,
    '--',
    'test',
    option,
    path,
  ]);
  if (code === 0) return '';
  return code === 1 ? denied : computed;
}

/** @param chain from the root directory to what is to be used. */
export function obstacleIn(chain: readonly Owned[], user: User, use: Use): string {
  if (user.uid === 0) return '';
  const blocked = chain.find((one, at) => {
    const need = at === chain.length - 1 ? rights[use].bit : 1;
    return (bitsFor(one, user) & need) === 0;
  });
  if (blocked === undefined) return '';
  const { path, uid, gid, mode } = blocked;
  const what = blocked === chain.at(-1) ? rights[use].verb : 'pass through';
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  return `${user.name} may not ${what} ${path} (mode ${shown}, uid ${uid}, gid ${gid})`;
}

/** Only the first class that fits counts, as to the kernel. */
function bitsFor({ uid, gid, mode }: Owned, user: User): number {
  if (uid === user.uid) return (mode >> 6) & 7;
  const isMember = gid === user.gid || user.groups.includes(gid);
  return isMember ? (mode >> 3) & 7 : mode & 7;
}

/** From / down, as far as there is anything. */
async function ownersOf(path: string): Promise<Owned[]> {
  const paths = [path];
  for (let up = dirname(path); paths[0] !== up; up = dirname(up)) paths.unshift(up);
  const chain: Owned[] = [];
  for (const each of paths) {
    const found = await stat(each).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) break;
    chain.push({ path: each, uid: found.uid, gid: found.gid, mode: found.mode });
  }
  return chain;
}
