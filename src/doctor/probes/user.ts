/** Who the daemon runs as. */
import type { Unit, User } from '../facts.ts';
import { type Host, output } from '../host.ts';

/** @param unit of the daemon, which may add groups. @throws when there is no such user. */
export async function findUser(host: Host, name: string, unit?: Unit): Promise<User> {
  const [uid = '', gid = '', groups = ''] = await Promise.all(
    ['-u', '-g', '-G'].map((what) => output(host, 'id', [what, '--', name])),
  );
  const added = (unit?.get('SupplementaryGroups') ?? '').split(' ').filter(Boolean);
  const numbers = await Promise.all(added.map((group) => groupNumber(host, group)));
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    groups: [...groups.trim().split(' ').map(Number), ...numbers.flat()],
  };
}

async function groupNumber(host: Host, group: string): Promise<number[]> {
  const { out } = await host.run('getent', ['group', group]);
  const gid = Number(out.split(':')[2]);
  return Number.isInteger(gid) ? [gid] : [];
}
