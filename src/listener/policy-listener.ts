import type { Obstacle } from '../engine/admission.ts';
import { PolicySession } from '../protocol/policy/policy-session.ts';
import { defaultRequestLimits } from '../protocol/policy/request-decoder.ts';
import { drive } from './drive.ts';
import type { Inbox } from './inbox.ts';
import { admissionDecision } from './policy.ts';
import { PolicyHandler } from './policy-handler.ts';
import { type ListenerSurroundings, SocketListener } from './socket-listener.ts';

/** What a reload of the configuration may change; it holds for the next request. */
export interface PolicyListenerSettings {
  /** What stands in the way of any mail. */
  readonly obstacle: () => Obstacle | undefined;
  /** Our SIZE. */
  readonly messageBytesMax: number;
}

/** Above Postfix's smtpd_policy_service_max_idle (300 s), so that Postfix is who closes. */
const idleMs = 330_000;

/** One address on which Postfix's policy protocol is spoken; each smtpd keeps a connection to it. */
export class PolicyListener extends SocketListener {
  settings: PolicyListenerSettings;

  constructor(settings: PolicyListenerSettings, surroundings: ListenerSurroundings) {
    super(surroundings);
    this.settings = settings;
  }

  protected override async converse(inbox: Inbox, welcome: boolean): Promise<void> {
    const { clock, stopping, onFault } = this.surroundings;
    if (!welcome || stopping.aborted) {
      // SMTPD_POLICY_README: in case of trouble no reply; Postfix asks again, and defers.
      inbox.socket.destroy();
      return;
    }
    const session = new PolicySession(defaultRequestLimits);
    const decide = admissionDecision({
      obstacle: () => this.settings.obstacle(),
      messageBytesMax: () => this.settings.messageBytesMax,
    });
    const handler = new PolicyHandler(session, { decide, what: 'policy', onFault });
    const times = { sessionIdleMs: idleMs, sessionTurnMs: idleMs };
    await drive(inbox, session, handler, { clock, stopping, ...times });
  }
}
