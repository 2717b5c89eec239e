/**
 * The policy column of the reply table, in the words of access(5); what render.ts is to SMTP. Postfix
 * says the text to the remote sender.
 */
import type { Obstacle } from '../engine/admission.ts';
import { replyTable } from './render.ts';

export type PolicySituation = Obstacle | 'too-large' | undefined;

/**
 * DUNNO leaves it to the restrictions that follow: OK would pass over them. DEFER_IF_PERMIT lets a
 * later one that refuses for good win, and is said as 450 or 451 (access(5)).
 */
export function policyAction(situation: PolicySituation): string {
  if (situation === undefined) return 'DUNNO';
  const { enhanced, lines } = replyTable[situation]['before-queue'];
  const verb = situation === 'too-large' ? 'REJECT' : 'DEFER_IF_PERMIT';
  return [verb, enhanced, ...lines].join(' ');
}
