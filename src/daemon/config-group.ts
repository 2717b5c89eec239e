/** Groups of this machine, by name: what group(5) has. Others (LDAP) go by their number. */
import { readFileSync } from 'node:fs';
import { OperationalError } from '../errors.ts';

const groupFile = '/etc/group';

/**
 * @param wanted a name or a number.
 * @throws {OperationalError} CONFIG, when no group has the name.
 */
export function groupId(wanted: string, file = groupFile): number {
  if (/^\d{1,10}$/.test(wanted)) return Number(wanted);
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === wanted && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new OperationalError('CONFIG', `${file} has no group "${wanted}"`);
}
