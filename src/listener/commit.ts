/**
 * The door at which the re-injection smtpd asks whether it may commit a message: Postfix's
 * `smtpd_end_of_data_restrictions = check_policy_service ...`. It asks the gate, within bounded
 * time, and says its answer. What the answer means for an attempt is the engine's.
 */
import type { Clock } from '../clock.ts';
import type { CommitAnswer, CommitGate } from '../engine/commit-gate.ts';
import { commitActions, type CommitSituation } from './commit-actions.ts';
import type { Decide } from './policy-handler.ts';

export interface CommitOptions {
  readonly gate: CommitGate;
  readonly clock: Clock;
  /** For one question; far below Postfix's smtpd_policy_service_timeout (100 s). */
  readonly answerMs: number;
  /** Told of a gate that failed or was late. */
  readonly onFault: (error: unknown) => void;
}

export function commitDecision(options: CommitOptions): Decide {
  return async (attributes) => commitActions[await situationOf(attributes, options)];
}

async function situationOf(
  attributes: ReadonlyMap<string, string>,
  options: CommitOptions,
): Promise<CommitSituation> {
  if (attributes.get('protocol_state') !== 'END-OF-MESSAGE') return 'not-asked';
  const question = {
    heloName: attributes.get('helo_name') ?? '',
    queueId: attributes.get('queue_id') ?? '',
    instance: attributes.get('instance') ?? '',
  };
  try {
    return await inTime(options.gate.asked(question), question.queueId, options);
  } catch (error) {
    options.onFault(error);
    return 'failed';
  }
}

/** A decision that comes too late stands, but the next hop has been told not to commit. */
function inTime(
  decision: Promise<CommitAnswer>,
  queueId: string,
  { clock, answerMs, onFault }: CommitOptions,
): Promise<CommitSituation> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(answerMs, () => {
      onFault(new Error(`whether to commit ${queueId} was not decided in ${answerMs} ms`));
      resolve('late');
    });
    decision.then(resolve, reject).finally(() => {
      timer.cancel();
    });
  });
}
