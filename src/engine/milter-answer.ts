/**
 * What a verdict comes to where the message stays with the MTA, which asks what to do with it. Pure.
 * One answer holds for all recipients: the protocol has none for one of them.
 */
import { bannedFor, type BannedRule } from '../verdict/banned.ts';
import { dispose } from '../verdict/disposition.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Rules } from '../verdict/rules.ts';
import { isFinal, type Situation } from '../verdict/situation.ts';
import { rank } from '../verdict/strictness.ts';
import { decide, type Verdict } from '../verdict/verdict.ts';
import { type StampSettings, stampValue } from './stamp.ts';

export type MilterAnswer =
  /** It goes on; `stamp` is what our header field says, undefined where it is switched off. */
  | { readonly kind: 'take'; readonly stamp: string | undefined }
  /** The MTA keeps it for its administrator. */
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'discard' }
  | { readonly kind: 'refuse'; readonly situation: Situation };

/** Whose rules are asked. */
export interface Addressed {
  readonly listener: string;
  readonly sender: string;
  readonly recipients: readonly string[];
}

/**
 * The verdict for all: where one recipient's has to wait, all do; else the strictest holds. What
 * not everybody's rules discard is not discarded: it would be lost for the others.
 */
export function verdictForAll(
  findings: readonly Finding[],
  { rules, banned }: { readonly rules: Rules; readonly banned: readonly BannedRule[] },
  { listener, sender, recipients }: Addressed,
): Verdict {
  const verdicts = recipients.map((recipient) => {
    const here = bannedFor(findings, rules, banned, { listener, sender, recipient });
    return decide(here.findings, here.rules);
  });
  const [first = decide(findings, rules), ...rest] = verdicts;
  const waits = verdicts.find(isTemporary);
  if (waits) return waits;
  const strictest = rest.reduce(
    (one, other) => (rank(other.action) > rank(one.action) ? other : one),
    first,
  );
  const isSplit = verdicts.some(({ action }) => action !== 'discard');
  return strictest.action === 'discard' && isSplit
    ? { ...strictest, action: 'quarantine' }
    : strictest;
}

function isTemporary(verdict: Verdict): boolean {
  const disposition = dispose(verdict, 'before-queue');
  return disposition.kind === 'refuse' && !isFinal(disposition.situation);
}

/**
 * @param holds whether what is to be quarantined is held by the MTA; else the sender, who is still
 *   there, is told no. What broke its scan again and again waits in either case.
 */
export function answerTo(verdict: Verdict, stamp: StampSettings, holds: boolean): MilterAnswer {
  if (holds && verdict.action === 'quarantine' && verdict.kind !== 'unscannable') {
    return { kind: 'hold', reason: `clamgate: ${verdict.kind}` };
  }
  const disposition = dispose(verdict, 'before-queue');
  switch (disposition.kind) {
    case 'relay':
      return { kind: 'take', stamp: stamp.enabled ? stampValue(stamp, verdict) : undefined };
    case 'discard':
      return { kind: 'discard' };
    case 'refuse':
      return { kind: 'refuse', situation: disposition.situation };
    case 'quarantine':
      // Only after the queue.
      return { kind: 'refuse', situation: 'deferred' };
  }
}
