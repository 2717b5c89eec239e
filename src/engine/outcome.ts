import { ImpossibleState } from '../assert.ts';
import {
  Cancelled,
  cancelCause,
  messageOf,
  OperationalError,
  type CancelCause,
} from '../errors.ts';
import type { RelayResult } from '../relay/next-hop.ts';
import type { ScanReport } from '../scan/scanner.ts';
import type { Finding } from '../verdict/finding.ts';
import { isFinal, type Situation } from '../verdict/situation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { answerOf, detailOf, inSituation, relayOutcome, type Answer } from './answer.ts';
import type { OutcomeKind } from './record.ts';

/** What was done with a message, and what the peer is to be told of it. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** One, or over LMTP one for each accepted recipient where they differ; none when abandoned. */
  readonly answers: readonly Answer[];
  /** For the log: what the peer is not told. */
  readonly detail?: string | undefined;
  /** All of them; the verdict names those that decided. */
  readonly findings?: readonly Finding[];
  readonly verdict?: Verdict;
  readonly report?: ScanReport;
  readonly quarantineId?: string;
}

export function refused(situation: Situation, detail?: string): Outcome {
  const kind = isFinal(situation) ? 'rejected' : 'deferred';
  return { kind, answers: [inSituation(situation)], detail };
}

export const abandoned: Outcome = { kind: 'abandoned', answers: [] };

/** What the next hop made of it, in its own words where it has any. */
export function relayed(results: readonly RelayResult[]): Outcome {
  const answers = results.map(answerOf);
  return { kind: relayOutcome(answers), answers, detail: detailOf(results) };
}

/**
 * What a thrown thing means for the peer. What nobody foresaw is temporary (RFC 5321 §4.2.1: the
 * peer keeps the message), and goes to the log with its stack.
 */
export function failed(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof Cancelled) return cancelled(cancelCause(signal));
  if (error instanceof OperationalError && error.code === 'STORE') {
    return refused('store-failed', messageOf(error));
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return refused('impossible', error instanceof ImpossibleState ? stack : `unforeseen: ${stack}`);
}

export function cancelled(why: CancelCause): Outcome {
  switch (why) {
    case 'deadline':
      return refused('deadline');
    case 'shutdown':
      return refused('stopping');
    case 'peer-gone':
    case 'not-needed':
      return abandoned;
  }
}
