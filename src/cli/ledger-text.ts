/** How the ledger looks to people. What stands in a message is escaped by whoever prints it. */
import { replyText } from '../daemon/log-transaction.ts';
import { decidingEntries, type InDoubt } from '../engine/earlier-attempts.ts';
import { isoTime } from '../store/iso-time.ts';
import type { AttemptState, LedgerEntry } from '../store/ledger.ts';
import { table } from './table.ts';

/** What a retry of a message would be told about one recipient. */
export interface Meaning {
  readonly recipient: string;
  readonly digest: string;
  readonly retry: string;
}

/** An entry for programs: times as ISO 8601, the reply as one text. */
export function entryValue({ reply, began, changed, ...entry }: LedgerEntry) {
  return {
    ...entry,
    ...(reply && { reply: replyText(reply) }),
    began: isoTime(began),
    changed: isoTime(changed),
  };
}

export function listText(entries: readonly LedgerEntry[], more: number): string {
  if (entries.length === 0) return 'There is no such entry.';
  const head = ['QUEUE ID', 'CHANGED', 'STATE', 'TO', 'NEXT HOP HAS IT AS', 'ATTEMPT'];
  const rows = entries.map(({ queueId, changed, state, recipient, nextQueueId, attempt }) => [
    ...[queueId, `${isoTime(changed).slice(0, 19)}Z`, state, recipient],
    ...[nextQueueId ?? '-', attempt],
  ]);
  const left = more > 0 ? [`${more} older ones are not shown (--limit).`] : [];
  return [table([head, ...rows]), ...left].join('\n');
}

export function showText(entries: readonly LedgerEntry[], meanings: readonly Meaning[]): string {
  const ends = meanings.map(({ recipient, digest, retry }) => [
    recipient,
    `${digest.slice(0, 12)}...`,
    retry,
  ]);
  return [
    ...entries.map((entry) => `${table(rowsOf(entry))}\n`),
    'If Postfix comes again with the same bytes:',
    table(ends),
  ].join('\n');
}

/** @param meanings of these entries. */
export function settledText(entries: readonly LedgerEntry[], meanings: readonly Meaning[]): string {
  if (entries.length === 0) return 'nothing was settled';
  const settled = entries.map(
    ({ recipient, queueId, state }) => `${queueId} to ${recipient}: ${state}`,
  );
  const retries = meanings.map(({ recipient, retry }) => `a retry for ${recipient}: ${retry}`);
  return [...settled, ...retries].join('\n');
}

/** In KiB, for a file that is seldom a whole number of anything larger. */
export function fileSizeText(bytes: number): string {
  return `${Math.ceil(bytes / 1024)}K`;
}

/**
 * For each recipient of `shown`, by all entries of the message.
 *
 * @param all oldest first.
 */
export function meaningsOf(
  shown: readonly LedgerEntry[],
  all: readonly LedgerEntry[],
  rule: InDoubt,
): readonly Meaning[] {
  const groups = Map.groupBy(all, ({ digest, recipient, orcpt }) =>
    [digest, recipient, orcpt].join('\0'),
  );
  const isShown = (one: LedgerEntry): boolean =>
    shown.some(({ attempt, recipient }) => attempt === one.attempt && recipient === one.recipient);
  return [...groups.values()]
    .filter((group) => group.some(isShown))
    .flatMap((group) => {
      const [first, ...others] = decidingEntries(group);
      if (!first) return [];
      const { recipient, digest } = first;
      // Of several that are open one that was accepted is enough.
      const retries = new Set([first, ...others].map((entry) => meaningOf(entry, rule)));
      return [{ recipient, digest, retry: [...retries].join('; or ') }];
    });
}

function meaningOf({ state, reply, nextQueueId }: LedgerEntry, rule: InDoubt): string {
  const open = nextQueueId === undefined ? unknown[rule] : asked(nextQueueId, rule);
  const said = reply ? replyText(reply) : '250';
  const words: Readonly<Record<AttemptState, string>> = {
    delivered: `answered ${said}, and not sent`,
    quarantined: 'answered 250 2.7.0, and not sent: it is in quarantine',
    discarded: 'answered 250 2.7.0, and not sent: it was discarded by rule',
    aborted: 'sent: the next hop does not have it',
    sending: `being handed over now; else nobody knows whether it was accepted: ${unknown[rule]}`,
    prepared: `being handed over now; else ${open}`,
    'in-doubt': open,
  };
  return words[state];
}

function asked(nextQueueId: string, rule: InDoubt): string {
  return (
    `the witness is asked for ${nextQueueId}: committed is answered 250, not committed is sent, ` +
    `still being written is answered 451 4.3.0, and without evidence ${unknown[rule]}`
  );
}

const unknown: Readonly<Record<InDoubt, string>> = {
  retry: 'it is in doubt, and sent again ([ledger] in_doubt = "retry")',
  hold: 'it is in doubt, and answered 451 4.3.0 until it is settled ([ledger] in_doubt = "hold")',
};

function rowsOf(entry: LedgerEntry): string[][] {
  const optional = (name: string, value: string | undefined): string[][] =>
    value === undefined || value === '' ? [] : [[name, value]];
  return [
    ['queue id', entry.queueId],
    ['attempt', entry.attempt],
    ['to', entry.recipient],
    ...optional('orcpt', entry.orcpt),
    ['state', entry.state],
    ['began', isoTime(entry.began)],
    ['changed', isoTime(entry.changed)],
    ['next hop', entry.nextHop],
    ...optional("next hop's queue id", entry.nextQueueId),
    ...optional('reply', entry.reply && replyText(entry.reply)),
    ...optional('quarantine id', entry.quarantineId),
    ['sha256', entry.digest],
  ];
}
