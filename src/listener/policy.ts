/**
 * The policy door: Postfix's smtpd asks with `check_policy_service` whether a message may come at
 * all, before any of it is taken, and once more at its end, when its size is known.
 */
import type { Obstacle } from '../engine/admission.ts';
import { policyAction, type PolicySituation } from './policy-actions.ts';
import type { Decide } from './policy-handler.ts';

export interface AdmissionQuestions {
  /** What stands in the way of any mail. */
  readonly obstacle: () => Obstacle | undefined;
  /** Our SIZE. */
  readonly messageBytesMax: () => number;
}

export function admissionDecision(questions: AdmissionQuestions): Decide {
  return (attributes) => policyAction(situationOf(attributes, questions));
}

/**
 * SMTPD_POLICY_README: `size` is what the client declares with MAIL, and at END-OF-MESSAGE what
 * has come; 0 where nothing is known.
 */
function situationOf(
  attributes: ReadonlyMap<string, string>,
  { obstacle, messageBytesMax }: AdmissionQuestions,
): PolicySituation {
  if (attributes.get('request') !== 'smtpd_access_policy') return undefined;
  const size = attributes.get('size') ?? '';
  if (/^\d+$/.test(size) && Number(size) > messageBytesMax()) return 'too-large';
  return obstacle();
}
