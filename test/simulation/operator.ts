/**
 * The operator, where what is in doubt is held: looks for the message at the next hop, and tells the
 * ledger, as `clamgate ledger settle` does.
 */
import type { Ledger, LedgerEntry } from '../../src/store/ledger.ts';
import type { Downstream } from './downstream.ts';
import type { Mail } from './mail.ts';
import type { Timeline } from './timeline.ts';

const hourMs = 3_600_000;
/** Longer than the next hop can still be at work on anything. */
const oldMs = hourMs / 2;

export interface Workplace {
  readonly timeline: Timeline;
  readonly downstream: Downstream;
  readonly mails: readonly Mail[];
  /** Undefined while the daemon is down. */
  readonly ledger: () => Ledger | undefined;
  /** Whether there is nothing left to wait for. */
  readonly done: () => boolean;
}

/** Comes by every hour until the queue in front is empty. */
export async function operate(place: Workplace): Promise<void> {
  while (!place.done()) {
    await place.timeline.pause(hourMs, 'operator');
    const ledger = place.ledger();
    // A daemon that dies meanwhile never answers.
    if (ledger) settleAll(ledger, place).catch(() => undefined);
  }
}

async function settleAll(ledger: Ledger, { timeline, downstream, mails }: Workplace) {
  const old = ledger
    .unsettled()
    .filter(({ state, changed }) => state === 'in-doubt' && timeline.now - changed > oldMs);
  for (const entry of old) {
    const id = mails.find(({ digest }) => digest === entry.digest)?.id;
    const isThere = downstream.copies.some((copy) => copy.id === id && isFor(copy, entry));
    await ledger.commit([
      {
        kind: 'settle',
        attempt: entry.attempt,
        recipients: [entry],
        from: ['in-doubt'],
        state: isThere ? 'delivered' : 'aborted',
        changed: timeline.now,
      },
    ]);
  }
}

function isFor(copy: { readonly recipient: string; readonly orcpt: string }, entry: LedgerEntry) {
  return copy.recipient === entry.recipient && copy.orcpt === entry.orcpt;
}
