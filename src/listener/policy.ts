/**
 * The policy door: Postfix's smtpd asks with `check_policy_service` whether a message may come at
 * all, before any of it is taken, and once more at its end, when its size is known.
 */
import type { PolicyEvent, PolicySession } from '../protocol/policy/policy-session.ts';
import type { Obstacle } from '../engine/admission.ts';
import type { Handler } from './drive.ts';
import { policyAction, type PolicySituation } from './policy-actions.ts';

export interface PolicyHandlerOptions {
  /** What stands in the way of any mail. */
  readonly obstacle: () => Obstacle | undefined;
  /** Our SIZE. */
  readonly messageBytesMax: () => number;
  /** Told of a request that could not be answered, and of what is not Postfix's protocol. */
  readonly onFault: (error: unknown) => void;
}

export class PolicyHandler implements Handler<PolicyEvent> {
  /** A request is answered at once, so none is ever open. */
  readonly atWork = false;
  readonly #session: PolicySession;
  readonly #options: PolicyHandlerOptions;

  constructor(session: PolicySession, options: PolicyHandlerOptions) {
    this.#session = session;
    this.#options = options;
  }

  handle(event: PolicyEvent): undefined {
    switch (event.type) {
      case 'request':
        this.#session.answer(policyAction(this.#situation(event.attributes)));
        return undefined;
      case 'protocol-error':
        this.#options.onFault(new Error(`policy: ${event.detail}`));
        return undefined;
      case 'close':
        return undefined;
    }
  }

  answered(): undefined {
    return undefined;
  }

  gone(): void {
    return;
  }

  silent(): void {
    this.#session.hangUp();
  }

  /** SMTPD_POLICY_README: "In case of trouble the policy server must not send a reply." */
  fault(error: unknown): void {
    this.#options.onFault(error);
    this.#session.hangUp();
  }

  /**
   * SMTPD_POLICY_README: `size` is what the client declares with MAIL, and at END-OF-MESSAGE what
   * has come; 0 where nothing is known.
   */
  #situation(attributes: ReadonlyMap<string, string>): PolicySituation {
    const { obstacle, messageBytesMax } = this.#options;
    if (attributes.get('request') !== 'smtpd_access_policy') return undefined;
    if (Number(attributes.get('size')) > messageBytesMax()) return 'too-large';
    return obstacle();
  }
}
