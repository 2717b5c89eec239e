/**
 * Whether mail may come at all just now: asked before a message is taken, so that it stays with its
 * sender instead of filling a queue that cannot be emptied.
 */
import type { Situation } from '../verdict/situation.ts';

/** What stands in the way; in the words of the reply table. */
export type Obstacle = Extract<Situation, 'store-failed' | 'scan-failed' | 'busy'>;

/** Each is asked for every request, so each answers from memory. */
export interface AdmissionSources {
  /** Whether a clamd can scan, or is about to, as far as is known. */
  readonly canScan: () => boolean;
  /** Whether spool, quarantine and ledger can take a message. */
  readonly canStore: () => boolean;
  /** Transactions that wait for a place. */
  readonly waiting: () => number;
  /** As many of them, and no more mail is asked for. */
  readonly waitingLevel: number;
}

/** The first that stands in the way; undefined when mail may come. */
export function obstacleTo(sources: AdmissionSources): Obstacle | undefined {
  if (!sources.canStore()) return 'store-failed';
  if (!sources.canScan()) return 'scan-failed';
  return sources.waiting() >= sources.waitingLevel ? 'busy' : undefined;
}
