/**
 * An operator has found out what became of a message that nobody here could tell of, and says so
 * (`clamgate ledger settle`). Nobody checks that it is true: who says 'delivered' of what was not
 * loses it, who says 'aborted' of what was delivered repeats it.
 */
import type { Clock } from '../clock.ts';
import { reply } from '../protocol/smtp/reply.ts';
import type { QueueEvidence } from '../relay/evidence.ts';
import type { Ledger, LedgerEntry } from '../store/ledger.ts';
import type { Claims } from './claims.ts';
import { handoverKey } from './message-key.ts';

export interface HandSettlement {
  readonly attempt: string;
  /** Only these addresses, whatever their ORCPT; all of the attempt when absent. */
  readonly recipients?: readonly string[];
  readonly state: 'delivered' | 'aborted';
}

export type HandSettled =
  /** Durable now; the entries as they have become. */
  | { readonly kind: 'settled'; readonly entries: readonly LedgerEntry[] }
  /** The message is being handed over right now: what becomes of it will be known. */
  | { readonly kind: 'at-work' }
  /** There is no such attempt, or nothing of it is open. */
  | { readonly kind: 'nothing-open' };

export interface SettlementParts {
  readonly ledger: Ledger;
  readonly evidence: QueueEvidence;
  readonly clock: Clock;
  readonly claims: Claims;
}

/** What a retry of it is told. */
const said = reply(250, '2.0.0', 'Ok: settled by the operator');

/** @throws {OperationalError} STORE */
export async function settleByHand(
  order: HandSettlement,
  parts: SettlementParts,
): Promise<HandSettled> {
  const isMeant = ({ attempt, recipient }: LedgerEntry): boolean =>
    attempt === order.attempt && (order.recipients?.includes(recipient) ?? true);
  const open = parts.ledger.unsettled().filter(isMeant);
  const [first] = open;
  if (!first) return { kind: 'nothing-open' };
  // A retry that has begun has read what is to be changed.
  const release = parts.claims.tryTake(open.map((entry) => handoverKey(entry, entry)));
  if (!release) return { kind: 'at-work' };
  try {
    await settle(order, open, parts);
    if (first.nextQueueId !== undefined) parts.evidence.release(first.nextQueueId);
  } finally {
    release();
  }
  const after = parts.ledger.find(first.queueId).filter(isMeant);
  const wasOpen = ({ recipient, orcpt }: LedgerEntry): boolean =>
    open.some((entry) => entry.recipient === recipient && entry.orcpt === orcpt);
  return { kind: 'settled', entries: after.filter(wasOpen) };
}

function settle(
  { attempt, state }: HandSettlement,
  recipients: readonly LedgerEntry[],
  { ledger, clock }: SettlementParts,
): Promise<void> {
  return ledger.commit([
    {
      kind: 'settle',
      attempt,
      recipients: recipients.map(({ recipient, orcpt }) => ({ recipient, orcpt })),
      from: ['sending', 'prepared', 'in-doubt'],
      state,
      ...(state === 'delivered' && { reply: said }),
      changed: clock.now(),
    },
  ]);
}
