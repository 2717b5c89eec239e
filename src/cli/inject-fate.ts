/** What became of a message, as the daemon remembers it. */
import type { Clock } from '../clock.ts';
import type { OutcomeKind, TransactionRecord } from '../engine/record.ts';
import { askControl } from './control-client.ts';

export interface FateQuery {
  /** The daemon's control endpoint. */
  readonly control: string;
  readonly messageId?: string;
  /** Postfix's; goes before the Message-ID, which an older message may have, too. */
  readonly queueId?: string;
  /** How many recipients' fates make it whole: Postfix may hand them over one by one. */
  readonly recipients: number;
  /** Milliseconds since the epoch: earlier transactions are not ours. */
  readonly since: number;
  readonly waitMs: number;
}

const intervalMs = 250;

/**
 * Asks until the fate of all recipients is known or the time is over.
 *
 * @param waiting told before each wait how long it has been, in milliseconds.
 * @throws {CliFailure} unavailable, when the daemon does not answer.
 */
export async function fateOf(
  query: FateQuery,
  clock: Clock,
  waiting: (ms: number) => void,
): Promise<readonly TransactionRecord[]> {
  const start = clock.monotonic();
  for (;;) {
    const found = await ask(query);
    const known = found.reduce((sum, { recipients }) => sum + recipients.length, 0);
    const waited = clock.monotonic() - start;
    if (known >= query.recipients || waited >= query.waitMs) return found;
    waiting(waited);
    await new Promise<void>((resolve) => clock.after(intervalMs, resolve));
  }
}

async function ask(query: FateQuery): Promise<TransactionRecord[]> {
  const { queueId, messageId, control, since } = query;
  const keys = new URLSearchParams({ limit: '1000' });
  if (queueId !== undefined) keys.set('queue-id', queueId);
  else keys.set('message-id', messageId ?? '');
  const answer = await askControl(control, `/transactions?${keys.toString()}`);
  const { transactions } = answer as { transactions: TransactionRecord[] };
  return transactions.filter(({ time, recipients }) => time >= since && recipients.length > 0);
}

/** One word for all of them: the one that most needs attention. */
export function worst(records: readonly TransactionRecord[]): OutcomeKind | 'unknown' {
  const byUrgency: readonly OutcomeKind[] = [
    'deferred',
    'abandoned',
    'rejected',
    'discarded',
    'quarantined',
    'relayed',
    'repeated',
  ];
  return byUrgency.find((kind) => records.some((one) => endsOf(one).includes(kind))) ?? 'unknown';
}

/** The message's end, and those of the recipients that differ from it. */
function endsOf({ outcome, recipients }: TransactionRecord): OutcomeKind[] {
  return [outcome, ...recipients.flatMap((one) => one.outcome ?? [])];
}

/** A transaction in a line: what was done, where it is now, and why. */
export function fateText(record: TransactionRecord): string {
  const { outcome, quarantineId, nextHopQueueId, situation, detail } = record;
  const where = {
    relayed: nextHopQueueId === undefined ? '' : ` as ${nextHopQueueId} at the next hop`,
    quarantined: ` as ${quarantineId ?? '?'}`,
    deferred: ', Postfix will try again',
    discarded: '',
    repeated: ' from the ledger',
    rejected: '',
    abandoned: ', Postfix gave it up before the end',
  }[outcome];
  const findings = record.findings.map((each) => `${each.kind} (${each.stream}: ${each.detail})`);
  const why = [record.verdict, ...findings, situation, detail].filter((word) => word !== undefined);
  return `${outcome === 'relayed' ? 'delivered' : outcome}${where}: ${why.join(', ')}`;
}
