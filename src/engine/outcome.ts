import type { CancelSignal } from '../cancel-signal.ts';
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
import {
  answerOf,
  detailOf,
  inSituation,
  isAccepted,
  isRefused,
  relayOutcome,
  type Answer,
} from './answer.ts';
import type { Handover } from './handover.ts';
import type { OutcomeKind } from './record.ts';

/** What was done with a message, and what the peer is to be told of it. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** One, or over LMTP one for each accepted recipient where they differ; none when abandoned. */
  readonly answers: readonly Answer[];
  /** What became of each accepted recipient, in order; absent where it is `kind` for all. */
  readonly ends?: readonly OutcomeKind[];
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

/** Whether the message will come again, for any of its recipients. */
export function comesAgain({ kind, ends = [] }: Outcome): boolean {
  return kind === 'abandoned' || kind === 'deferred' || ends.includes('deferred');
}

export const abandoned: Outcome = { kind: 'abandoned', answers: [] };

/** What became of a recipient. @param accepted what that is where the answer says that all is done. */
export function endOf(answer: Answer | undefined, accepted: OutcomeKind): OutcomeKind {
  if (answer === undefined || isAccepted(answer)) return accepted;
  return isRefused(answer) ? 'rejected' : 'deferred';
}

/** What the next hop made of it, and what the peer is told of that. */
export function relayed(
  results: readonly RelayResult[],
  answers: readonly Answer[] = results.map(answerOf),
): Outcome {
  return { kind: relayOutcome(answers), answers, detail: detailOf(results) };
}

/**
 * A retry of what needs nothing more: everyone has an answer, or one of them makes it useless to go
 * on, because an SMTP peer hears only one reply and will have to come again.
 */
export function repeated(
  { earlier, due }: Pick<Handover, 'earlier' | 'due'>,
  flavour: 'smtp' | 'lmtp',
): Outcome | undefined {
  const waits = earlier.find((answer) => answer && !isAccepted(answer));
  if (due.length > 0 && !(flavour === 'smtp' && waits)) return undefined;
  const all = earlier.filter((answer) => answer !== undefined);
  const answers = flavour === 'lmtp' ? all : [waits ?? all[0]].filter((one) => one !== undefined);
  return {
    kind: answers.some(isAccepted) ? 'repeated' : 'deferred',
    answers,
    ends: earlier.map((answer) => (answer ? endOf(answer, 'repeated') : 'deferred')),
  };
}

/**
 * What a thrown thing means for the peer. What nobody foresaw is temporary (RFC 5321 §4.2.1: the
 * peer keeps the message), and goes to the log with its stack.
 */
export function failed(error: unknown, signal: CancelSignal): Outcome {
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
