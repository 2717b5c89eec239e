import type { RelayResult } from '../relay/next-hop.ts';
import { isPermanent, isPositive, type Reply } from '../protocol/smtp/reply.ts';
import { isFinal, type Situation } from '../verdict/situation.ts';
import type { OutcomeKind } from './record.ts';

/** What the peer is to be told: the next hop's own words, or a row of the reply table. */
export type Answer =
  | { readonly kind: 'next-hop'; readonly reply: Reply }
  | { readonly kind: 'situation'; readonly situation: Situation };

export function inSituation(situation: Situation): Answer {
  return { kind: 'situation', situation };
}

/** The next hop's nonsense never passes through (relay/next-hop.ts): it is `unreachable` there. */
export function answerOf(result: RelayResult): Answer {
  switch (result.kind) {
    case 'reply':
      // RFC 5321 §3.8: with 421 the next hop ends its session with us, not ours with the peer.
      if (result.reply.code === 421) return inSituation('next-hop-unreachable');
      return { kind: 'next-hop', reply: result.reply };
    case 'unreachable':
    case 'unknown':
      return inSituation('next-hop-unreachable');
    case 'lacks':
      return inSituation(result.extension === 'SMTPUTF8' ? 'lacks-smtputf8' : 'lacks-8bitmime');
  }
}

/** Whether the peer is told that all is done. */
export function isAccepted(answer: Answer): boolean {
  if (answer.kind === 'situation') return answer.situation === 'taken';
  return isPositive(answer.reply);
}

/** Whether the peer is told not to come again. */
export function isRefused(answer: Answer): boolean {
  return answer.kind === 'situation' ? isFinal(answer.situation) : isPermanent(answer.reply);
}

/** One word for what the next hop made of a message: accepted by anyone counts as relayed. */
export function relayOutcome(answers: readonly Answer[]): OutcomeKind {
  if (answers.some(isAccepted)) return 'relayed';
  const refused = answers.every(
    (answer) => answer.kind === 'next-hop' && isPermanent(answer.reply),
  );
  return refused ? 'rejected' : 'deferred';
}

/** What went wrong at the next hop, for the log. */
export function detailOf(results: readonly RelayResult[]): string | undefined {
  for (const result of results) {
    if (result.kind === 'unreachable' || result.kind === 'unknown') return result.detail;
  }
  return undefined;
}
