/**
 * The door at which the re-injection smtpd asks whether it may commit a message: Postfix's
 * `smtpd_end_of_data_restrictions = check_policy_service ...`. It asks the gate, within bounded
 * time, and says its answer. What the answer means for an attempt is the engine's.
 */
import type { Clock } from '../clock.ts';
import type { CommitGate } from '../engine/commit-gate.ts';
import type { PolicyEvent, PolicySession } from '../protocol/policy/policy-session.ts';
import { commitActions, type CommitSituation } from './commit-actions.ts';
import type { Handler } from './drive.ts';

export interface CommitHandlerOptions {
  readonly gate: CommitGate;
  readonly clock: Clock;
  /** For one question; far below Postfix's smtpd_policy_service_timeout (100 s). */
  readonly answerMs: number;
  /** Told of a gate that failed or was late, and of what is not Postfix's protocol. */
  readonly onFault: (error: unknown) => void;
}

export class CommitHandler implements Handler<PolicyEvent> {
  /** A question is answered before the next event is taken, so none is ever open in between. */
  readonly atWork = false;
  readonly #session: PolicySession;
  readonly #options: CommitHandlerOptions;

  constructor(session: PolicySession, options: CommitHandlerOptions) {
    this.#session = session;
    this.#options = options;
  }

  handle(event: PolicyEvent): Promise<void> | undefined {
    switch (event.type) {
      case 'request':
        return this.#answer(event.attributes);
      case 'protocol-error':
        this.#options.onFault(new Error(`the commit question: ${event.detail}`));
        return undefined;
      case 'close':
        return undefined;
    }
  }

  answered(): undefined {
    return undefined;
  }

  /** A question that has been asked is decided all the same: the next hop may still commit. */
  gone(): void {
    return;
  }

  silent(): void {
    this.#session.hangUp();
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
    this.#session.hangUp();
  }

  async #answer(attributes: ReadonlyMap<string, string>): Promise<void> {
    this.#session.answer(commitActions[await this.#situation(attributes)]);
  }

  async #situation(attributes: ReadonlyMap<string, string>): Promise<CommitSituation> {
    if (attributes.get('protocol_state') !== 'END-OF-MESSAGE') return 'not-asked';
    const question = {
      heloName: attributes.get('helo_name') ?? '',
      queueId: attributes.get('queue_id') ?? '',
      instance: attributes.get('instance') ?? '',
    };
    try {
      return await this.#inTime(this.#options.gate.asked(question), question.queueId);
    } catch (error) {
      this.#options.onFault(error);
      return 'failed';
    }
  }

  /** A decision that comes too late stands, but the next hop has been told not to commit. */
  #inTime(decision: ReturnType<CommitGate['asked']>, queueId: string): Promise<CommitSituation> {
    const { clock, answerMs, onFault } = this.#options;
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
}
