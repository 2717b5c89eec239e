/**
 * The table of answers at a Milter door: what an answer of the engine is in the protocol's words.
 * Pure. The texts are those that a sender is told before the queue: Postfix says them to him as
 * they are.
 */
import type { MilterAnswer } from '../engine/milter-answer.ts';
import { stampName } from '../engine/stamp.ts';
import { canAdd, canChange, canInsert, type Terms } from '../protocol/milter/negotiation.ts';
import type { Modification, Verdict } from '../protocol/milter/responses.ts';
import type { Situation } from '../verdict/situation.ts';
import { replyTable } from './render.ts';

export interface MilterResponse {
  readonly verdict: Verdict;
  readonly modifications: readonly Modification[];
}

/**
 * Behind the MTA's own Received field, which is the first and is not shown to us: the filter behind
 * the queue knows a message by the queue id in the topmost one.
 */
const stampIndex = 1;

/** A refusal in its words. `undefined`: there is none, go on. */
export function renderSituation(situation: Situation | undefined): Verdict {
  if (situation === undefined) return { kind: 'continue' };
  return { kind: 'reply', reply: replyTable[situation]['before-queue'] };
}

/**
 * @param terms what was agreed with the MTA: where it takes no change, none is asked for.
 * @param forged takes away what came in our name.
 */
export function renderMilter(
  answer: MilterAnswer,
  terms: Terms,
  forged: readonly Modification[],
): MilterResponse {
  const taken = canChange(terms) ? forged : [];
  switch (answer.kind) {
    case 'take':
      return {
        verdict: { kind: 'accept' },
        modifications: [...taken, ...stamped(answer.stamp, terms)],
      };
    case 'hold':
      return {
        verdict: { kind: 'accept' },
        modifications: [...taken, { kind: 'quarantine', reason: answer.reason }],
      };
    case 'discard':
      return { verdict: { kind: 'discard' }, modifications: [] };
    case 'refuse':
      return { verdict: renderSituation(answer.situation), modifications: [] };
  }
}

function stamped(value: string | undefined, terms: Terms): Modification[] {
  if (value === undefined || !canAdd(terms)) return [];
  const field = { name: stampName, value };
  return canInsert(terms)
    ? [{ kind: 'insert-header', index: stampIndex, ...field }]
    : [{ kind: 'add-header', ...field }];
}
