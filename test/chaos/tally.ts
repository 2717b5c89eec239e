/**
 * What became of the messages: counted at the far end, one by one. Postfix behind the filter may
 * repeat a delivery of its own when it is killed; the same queue id twice is therefore its doing,
 * and only two queue ids for one message and recipient are the filter's.
 */
import type { ChaosMessage } from './message.ts';

export interface Arrival {
  readonly id: string;
  readonly recipient: string;
  /** Of the Postfix that delivered it. */
  readonly queueId: string;
  /** Of the Postfixes that it came through before. */
  readonly before: readonly string[];
  /** When, by `performance.now()`. */
  readonly at: number;
}

/** An entry of the filter's ledger: nobody knows whether this hand-over succeeded. */
export interface InDoubt {
  /** Of the Postfix in front of the filter. */
  readonly queueId: string;
  readonly recipient: string;
}

/** Where messages ended. Message-IDs, one for each copy. */
export interface Fates {
  readonly arrivals: readonly Arrival[];
  /** In the filter's quarantine. */
  readonly kept: readonly string[];
  /** Not a place: what explains a second copy. */
  readonly inDoubt: readonly InDoubt[];
  readonly bounced: readonly string[];
  readonly queued: readonly string[];
}

/** Numbers of messages. */
export interface Tally {
  readonly sent: number;
  /** Each recipient has it once. */
  readonly once: number;
  /** Stopped on purpose: quarantined, or infected and gone where the filter discards. */
  readonly stopped: number;
  readonly bounced: number;
  readonly queued: number;
  /** A recipient has not got it, and it is nowhere else. */
  readonly lost: number;
  /** The filter has handed it over more than once for the same recipient. */
  readonly twice: number;
  /** Of those: where the filter lists as many entries in doubt as there are copies too many. */
  readonly listed: number;
  /** Infected, and delivered all the same. */
  readonly unscanned: number;
  /** Postfix itself has repeated the delivery. */
  readonly repeated: number;
  /** In quarantine more than once: harmless, and worth knowing. */
  readonly keptTwice: number;
  /** The Message-IDs behind `lost` and `twice`. */
  readonly suspects: readonly string[];
}

/** @param discards whether the filter drops infected messages instead of keeping them. */
export function tallyOf(sent: readonly ChaosMessage[], fates: Fates, discards: boolean): Tally {
  const tally = {
    ...{ sent: sent.length, once: 0, stopped: 0, bounced: 0, queued: 0, lost: 0 },
    ...{ twice: 0, listed: 0, unscanned: 0, repeated: 0, keptTwice: 0 },
    suspects: [] as string[],
  };
  const kept = counts(fates.kept);
  const [bounced, queued] = [new Set(fates.bounced), new Set(fates.queued)];
  const arrivals = Map.groupBy(fates.arrivals, ({ id }) => id);
  for (const message of sent) {
    const copies = arrivals.get(message.id) ?? [];
    const handed = message.recipients.map((recipient) => handOvers(copies, recipient));
    const fewest = Math.min(...handed);
    const twice = handed.some((count) => count > 1);
    if (twice) tally.twice++;
    if (twice && isListed(message, copies, fates.inDoubt)) tally.listed++;
    if (copies.length > handed.reduce((sum, count) => sum + count, 0)) tally.repeated++;
    if (message.infected && copies.length > 0) tally.unscanned++;
    if ((kept.get(message.id) ?? 0) > 1) tally.keptTwice++;
    const lost = fewest === 0 && !elsewhere(message);
    if (lost) tally.lost++;
    if (lost || twice) tally.suspects.push(message.id);
    if (fewest > 0 && !twice) tally.once++;
  }
  return tally;

  /** Whether a message that has not reached every recipient is accounted for; counts where. */
  function elsewhere({ id, infected }: ChaosMessage): boolean {
    if (queued.has(id)) tally.queued++;
    else if (kept.has(id) || (infected && discards)) tally.stopped++;
    else if (bounced.has(id)) tally.bounced++;
    else return false;
    return true;
  }
}

/** How often it was handed over for this recipient. */
function handOvers(copies: readonly Arrival[], recipient: string): number {
  const own = copies.filter((copy) => copy.recipient === recipient);
  return new Set(own.map(({ queueId }) => queueId)).size;
}

/** Whether no recipient has more copies than the one, and one for each entry in doubt. */
function isListed(
  { recipients }: ChaosMessage,
  copies: readonly Arrival[],
  inDoubt: readonly InDoubt[],
): boolean {
  const passed = new Set(copies.flatMap(({ before }) => before));
  return recipients.every((recipient) => {
    const own = inDoubt.filter((one) => one.recipient === recipient && passed.has(one.queueId));
    return handOvers(copies, recipient) <= 1 + own.length;
  });
}

function counts(ids: readonly string[]): ReadonlyMap<string, number> {
  const map = new Map<string, number>();
  for (const id of ids) map.set(id, (map.get(id) ?? 0) + 1);
  return map;
}
