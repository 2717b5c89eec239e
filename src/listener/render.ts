import type { Answer } from '../engine/answer.ts';
import { reply, type Reply } from '../protocol/smtp/reply.ts';
import type { Position } from '../verdict/disposition.ts';
import type { Situation } from '../verdict/situation.ts';

type Row = Readonly<Record<Position, Reply>>;

function same(code: number, enhanced: string, text: string): Row {
  const answer = reply(code, enhanced, text);
  return { 'after-queue': answer, 'before-queue': answer };
}

/**
 * The reply table. Before the queue these texts reach the remote sender word for word, so they are
 * short and generic and speak neither of quarantine nor of what runs here.
 * Codes: RFC 5321 §4.2.3; enhanced codes: RFC 3463, RFC 6531 §3.7.4.
 */
export const replyTable: Readonly<Record<Situation, Row>> = {
  taken: same(250, '2.7.0', 'Ok'),
  infected: same(550, '5.7.1', 'Message content rejected'),
  banned: same(550, '5.7.1', 'Message content rejected'),
  partial: same(552, '5.3.4', 'Message content cannot be checked'),
  smuggling: same(550, '5.6.11', 'Bare CR before a lone dot'),
  'scan-failed': same(451, '4.7.1', 'Content check unavailable, try again later'),
  deferred: same(451, '4.7.1', 'Message deferred, try again later'),
  deadline: same(451, '4.4.7', 'Content check took too long, try again later'),
  busy: same(451, '4.3.2', 'System busy, try again later'),
  stopping: same(451, '4.3.2', 'System going down, try again later'),
  'too-large': same(552, '5.3.4', 'Message too large'),
  'header-too-large': same(552, '5.3.4', 'Message header too large'),
  'one-recipient': same(452, '4.5.3', 'One recipient at a time'),
  'too-many-recipients': same(452, '4.5.3', 'Too many recipients'),
  'lacks-smtputf8': same(550, '5.6.7', 'Next hop does not support SMTPUTF8'),
  'lacks-8bitmime': same(550, '5.6.3', 'Next hop does not support 8BITMIME'),
  'bare-line-end': same(550, '5.6.11', 'Line end other than CRLF'),
  'store-failed': same(452, '4.3.1', 'Insufficient system storage'),
  'next-hop-unreachable': same(451, '4.4.1', 'Next hop unavailable, try again later'),
  'earlier-unknown': same(451, '4.3.0', 'Outcome of an earlier attempt not known yet'),
  impossible: same(451, '4.3.0', 'Internal error, try again later'),
};

/** An answer in SMTP's words. The next hop's own reply goes through as it is. */
export function render(answer: Answer, position: Position): Reply {
  return answer.kind === 'next-hop' ? answer.reply : replyTable[answer.situation][position];
}
