import type { Situation } from './situation.ts';
import type { Verdict } from './verdict.ts';

/** Where the door stands: Postfix's own words (SMTPD_PROXY_README, FILTER_README). */
export type Position = 'after-queue' | 'before-queue';

/** What is to be done with a message at this position. */
export type Disposition =
  | { readonly kind: 'relay'; readonly tagged: boolean }
  | { readonly kind: 'quarantine' }
  | { readonly kind: 'discard' }
  /** Nothing is kept: the peer has the message, and is told why it stays there. */
  | { readonly kind: 'refuse'; readonly situation: Situation };

/**
 * After the queue the sender is gone, so a quarantine takes custody. Before the queue the sender is
 * still there and is told the truth instead: custody would promise a delivery that never comes.
 */
export function dispose(verdict: Verdict, position: Position): Disposition {
  switch (verdict.action) {
    case 'pass':
      return { kind: 'relay', tagged: false };
    case 'tag':
      return { kind: 'relay', tagged: true };
    case 'discard':
      return { kind: 'discard' };
    case 'reject':
      return { kind: 'refuse', situation: refusal(verdict) };
    case 'quarantine':
      return position === 'after-queue'
        ? { kind: 'quarantine' }
        : { kind: 'refuse', situation: refusal(verdict) };
    case 'defer':
      return {
        kind: 'refuse',
        situation: isUnscanned(verdict) ? 'scan-failed' : 'deferred',
      };
  }
}

function isUnscanned({ kind }: Verdict): boolean {
  return kind === 'unavailable' || kind === 'unscannable';
}

function refusal(verdict: Verdict): Situation {
  switch (verdict.kind) {
    case 'infected':
    case 'smuggling':
      return verdict.kind;
    case 'oversize':
    case 'limits':
    case 'partial':
    case 'limits-silent':
      return 'partial';
    case 'banned':
    case 'macro':
    case 'encrypted':
    case 'ambiguous':
      return 'banned';
    case 'unscannable':
      return 'scan-failed';
    case 'clean':
    case 'unavailable':
    case 'old-signatures':
      // No rule rejects these (rules.ts); should one ever, the sender keeps the message.
      return 'deferred';
  }
}
