/** How the quarantine looks to people. What stands in a message is escaped by whoever prints it. */
import { timeOf } from '../store/quarantine-id.ts';
import type { QuarantineRecord, Release } from '../store/quarantine-record.ts';
import type { QuarantineItem, Removal } from '../store/quarantine.ts';
import type { ReleaseReport } from './quarantine-release.ts';
import { table } from './table.ts';

export function listText(items: readonly QuarantineItem[]): string {
  if (items.length === 0) return 'The quarantine is empty.';
  const rows = items.map((item) => (item.kind === 'whole' ? rowOf(item.record) : damagedRow(item)));
  return table([['ID', 'TIME', 'SIZE', 'VERDICT', 'FROM', 'TO', 'STATE'], ...rows]);
}

export function showText(item: QuarantineItem): string {
  if (item.kind === 'damaged') return `${item.id} is damaged: ${item.problem}`;
  const { record } = item;
  const { envelope } = record;
  return table([
    ['id', record.id],
    ['time', record.time],
    ['verdict', `${record.verdict}, coverage ${record.coverage}`],
    ...record.findings.map(({ kind, stream, detail }) => [
      'finding',
      `${kind} in ${stream}: ${detail}`,
    ]),
    ['from', sender(record)],
    ...envelope.recipients.map(({ address }) => ['to', address]),
    ...Object.entries(envelope.client).map(([name, value]) => [`client ${name}`, value]),
    ['size', `${record.size} bytes`],
    ['sha256', record.sha256],
    ['queue id', record.queueId ?? '-'],
    ['message-id', record.messageId ?? '-'],
    ['listener', record.listener],
    ...record.releases.flatMap(releaseRows),
  ]);
}

export function releaseText({ id, results, refused, skipped, deleted }: ReleaseReport): string {
  const lines = results.map(
    ({ recipient, outcome, reply }) => `  ${recipient}: ${outcome}, ${reply}`,
  );
  const passedOver = skipped.map((recipient) => `  ${recipient}: has it already, or may have it`);
  const end = deleted ? ['  deleted from the quarantine'] : [];
  const left = results.some(({ outcome }) => outcome === 'accepted' || outcome === 'unknown');
  return [
    `${id}: ${refused ?? (left ? 'sent' : 'not sent')}`,
    ...lines,
    ...passedOver,
    ...end,
  ].join('\n');
}

/** One line for the log of what leaves the quarantine. */
export function removalText({ id, why, record }: Removal): string {
  if (!record) return `removed ${id}: ${why}`;
  const to = record.envelope.recipients.map(({ address }) => address).join(', ');
  const { verdict, size } = record;
  return `removed ${id}: ${why}; ${verdict}, ${size} bytes, from ${sender(record)} to ${to}`;
}

function rowOf(record: QuarantineRecord): string[] {
  const [first, ...others] = record.envelope.recipients;
  const to = `${first?.address ?? '-'}${others.length > 0 ? ` +${others.length}` : ''}`;
  const { id, time, size, verdict } = record;
  const seconds = `${time.slice(0, 19)}Z`;
  return [id, seconds, String(size), verdict, sender(record), to, stateOf(record)];
}

function damagedRow({ id }: QuarantineItem): string[] {
  return [id, `${timeOf(id).slice(0, 19)}Z`, '-', '-', '-', '-', 'damaged'];
}

function stateOf({ releases, envelope }: QuarantineRecord): string {
  if (releases.length === 0) return 'held';
  const accepted = new Set(
    releases
      .flatMap(({ results }) => results)
      .filter(({ outcome }) => outcome === 'accepted')
      .map(({ recipient }) => recipient),
  );
  return envelope.recipients.every(({ address }) => accepted.has(address))
    ? 'released'
    : 'release tried';
}

function releaseRows({ time, results }: Release): string[][] {
  return results.map(({ recipient, outcome, reply }) => [
    `release ${time}`,
    `${recipient}: ${outcome}, ${reply}`,
  ]);
}

function sender({ envelope }: QuarantineRecord): string {
  return envelope.reversePath.address || '<>';
}
