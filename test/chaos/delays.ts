/** How long mail was under way: from Postfix's 250 until the last of its recipients had it. */
import type { Accepted } from './load.ts';
import type { Arrival } from './tally.ts';

/** Of what arrived at all; undefined where nothing did. */
export interface Delays {
  readonly p50Ms: number | undefined;
  readonly maxMs: number | undefined;
}

export function delaysOf(accepted: readonly Accepted[], arrivals: readonly Arrival[]): Delays {
  const copies = Map.groupBy(arrivals, ({ id }) => id);
  const all = accepted.flatMap((message) => {
    const at = lastFirst(copies.get(message.id) ?? []);
    return at === undefined ? [] : [at - message.acceptedAt];
  });
  all.sort((one, other) => one - other);
  return { p50Ms: all[Math.floor((all.length - 1) / 2)], maxMs: all.at(-1) };
}

/** When the last recipient got its first copy. */
function lastFirst(copies: readonly Arrival[]): number | undefined {
  const byRecipient = Map.groupBy(copies, ({ recipient }) => recipient);
  const firsts = [...byRecipient.values()].map((own) => Math.min(...own.map(({ at }) => at)));
  return firsts.length === 0 ? undefined : Math.max(...firsts);
}
