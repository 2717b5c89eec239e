/**
 * A transaction as one line of the log: who, what, how large, what was found, what became of it.
 * Never content. Everything that a sender chose is bounded here; log.ts escapes it.
 */
import {
  type OutcomeKind,
  type RecipientRecord,
  recipientOutcomes,
  type StageMs,
  type TransactionRecord,
} from '../engine/record.ts';
import type { Reply } from '../protocol/smtp/reply.ts';
import type { Finding } from '../verdict/finding.ts';
import type { LogFields, LogLevel } from './log.ts';
import { bounded } from './log-text.ts';

/** RFC 5321 §4.5.3.1.3: a path has at most 256 octets. */
const addressMax = 256;
const messageIdMax = 256;
const replyMax = 512;
const detailMax = 1024;
const listMax = 10;

export function levelOf(record: TransactionRecord): LogLevel {
  if (record.situation === 'impossible' || record.situation === 'store-failed') return 'error';
  const isUsual = record.outcome === 'relayed' || record.outcome === 'abandoned';
  // What the next hop refused it said itself.
  const isApart = record.recipients.some(({ outcome, reply }) => outcome && !reply);
  return isUsual && !isApart ? 'info' : 'warn';
}

export function fieldsOf(record: TransactionRecord): LogFields {
  return {
    id: record.id,
    outcome: record.outcome,
    queue_id: record.queueId,
    message_id: cut(record.messageId, messageIdMax),
    size: record.size,
    from: bounded(record.sender, addressMax),
    recipients: record.recipients.length,
    to: some(record.recipients, addressOf),
    ends: endsText(record),
    verdict: record.verdict,
    coverage: record.coverage,
    findings: record.findings.length === 0 ? undefined : some(record.findings, findingText),
    situation: record.situation,
    reply: record.reply && replyText(record.reply),
    next_hop_queue_id: cut(record.nextHopQueueId, messageIdMax),
    quarantine_id: record.quarantineId,
    detail: cut(record.detail, detailMax),
    client: cut(record.client.addr, addressMax),
    listener: record.listener,
    ms: tenths(record.ms),
  };
}

/** '250 2.0.0 Ok: queued as 4X', its lines joined. */
export function replyText({ code, enhanced, lines }: Reply): string {
  const words = [String(code), ...(enhanced === undefined ? [] : [enhanced]), lines.join(' / ')];
  return bounded(words.join(' '), replyMax);
}

/** 'infected 1.2 Eicar-Test-Signature'. */
export function findingText(finding: Finding): string {
  const kind = finding.kind === 'partial' ? `partial(${finding.reason})` : finding.kind;
  return bounded(`${kind} ${finding.stream} ${finding.detail}`.trimEnd(), detailMax);
}

/**
 * A recipient with a reply of its own carries the code, and one for whom something else was done
 * than for the message the word: 'user@example.org=550', 'user@example.org=quarantined'.
 */
function addressOf({ address, outcome, reply }: RecipientRecord): string {
  const own = reply === undefined ? outcome : String(reply.code);
  return bounded(address, addressMax) + (own === undefined ? '' : `=${own}`);
}

/** 'quarantined 1, relayed 2'; undefined where all came to the message's end. */
function endsText(record: TransactionRecord): string | undefined {
  const counts = new Map<OutcomeKind, number>();
  for (const end of recipientOutcomes(record)) counts.set(end, (counts.get(end) ?? 0) + 1);
  if (!record.recipients.some(({ outcome }) => outcome !== undefined)) return undefined;
  return [...counts].map(([end, count]) => `${end} ${count}`).join(', ');
}

function tenths(ms: StageMs): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ms).map(([stage, value]) => [stage, tenth(Number(value))]),
  );
}

/** Milliseconds as precisely as they mean something to people. */
export function tenth(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function cut(value: string | undefined, max: number): string | undefined {
  return value === undefined ? undefined : bounded(value, max);
}

function some<T>(items: readonly T[], text: (item: T) => string): string[] {
  const texts = items.slice(0, listMax).map(text);
  if (items.length > listMax) texts.push(`and ${items.length - listMax} more`);
  return texts;
}
