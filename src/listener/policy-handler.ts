/**
 * What every door does at which Postfix's policy protocol is spoken: each request gets one action,
 * and what goes wrong gets none (SMTPD_POLICY_README). What the action is, is commit.ts or policy.ts.
 */
import type { PolicyEvent, PolicySession } from '../protocol/policy/policy-session.ts';
import type { Handler } from './drive.ts';

/** The action for a request, as in the right-hand side of access(5). */
export type Decide = (attributes: ReadonlyMap<string, string>) => string | Promise<string>;

export interface PolicyHandlerOptions {
  readonly decide: Decide;
  /** What is asked here, for the log. */
  readonly what: string;
  /** Told of a decision that failed, and of what is not Postfix's protocol. */
  readonly onFault: (error: unknown) => void;
}

export class PolicyHandler implements Handler<PolicyEvent> {
  /** A request is answered before the next event is taken, so none is ever open in between. */
  readonly atWork = false;
  readonly #session: PolicySession;
  readonly #options: PolicyHandlerOptions;

  constructor(session: PolicySession, options: PolicyHandlerOptions) {
    this.#session = session;
    this.#options = options;
  }

  handle(event: PolicyEvent): Promise<void> | undefined {
    switch (event.type) {
      case 'request':
        return this.#answer(this.#options.decide(event.attributes));
      case 'protocol-error':
        this.#options.onFault(new Error(`${this.#options.what}: ${event.detail}`));
        return undefined;
      case 'close':
        return undefined;
    }
  }

  answered(): undefined {
    return undefined;
  }

  /** What has been asked is decided all the same: a next hop may still commit. */
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

  #answer(action: string | Promise<string>): Promise<void> | undefined {
    if (typeof action === 'string') {
      this.#session.answer(action);
      return undefined;
    }
    return action.then((decided) => {
      this.#session.answer(decided);
    });
  }
}
