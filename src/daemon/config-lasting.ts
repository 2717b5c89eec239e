/** What of a configuration lasts as long as the daemon. */
import { isDeepStrictEqual } from 'node:util';
import { OperationalError } from '../errors.ts';
import type { Config } from './config.ts';

/** What is opened once stays as it was opened. */
export function refuseLastingChanges(before: Config, after: Config): void {
  const now = lasting(after);
  for (const [key, value] of Object.entries(lasting(before))) {
    if (isDeepStrictEqual(value, now[key])) continue;
    const isShort = typeof value === 'string' || typeof value === 'number';
    const stays = isShort ? value : 'as it is';
    throw new OperationalError('CONFIG', `${key} changes only at a restart; it stays ${stays}`);
  }
}

function lasting({ control, ledger, commit, workers }: Config): Record<string, unknown> {
  return {
    workers,
    '[control] address': control.address,
    '[ledger]': ledger,
    '[commit] address': commit.address ?? 'unset',
    // Without an address nothing else of it matters; its name may follow from the hostname.
    '[commit]': commit.address === undefined ? undefined : commit,
  };
}
