/** What each door would answer for a message that `clamgate scan` explains. Pure. */
import { replyText } from '../daemon/log-transaction.ts';
import { answerTo } from '../engine/milter-answer.ts';
import { policyAction } from '../listener/policy-actions.ts';
import { replyTable } from '../listener/render.ts';
import { dispose, type Position } from '../verdict/disposition.ts';
import type { Situation } from '../verdict/situation.ts';
import type { Verdict } from '../verdict/verdict.ts';

/** What becomes of the message at one door, and what Postfix is told. */
export interface DoorAnswer {
  readonly position: Position | 'milter' | 'policy';
  readonly disposition: string;
  readonly reply: string;
}

/** What is known of the message. */
export interface Judged {
  /** Why it is refused without a look at its content, if it is. */
  readonly refused: Situation | undefined;
  readonly verdict: Verdict;
  /** Without what only the wire shows: a Milter is told of the message as its MTA has read it. */
  readonly verdictAtMilter: Verdict;
}

export function doorAnswers({ refused, verdict, verdictAtMilter }: Judged): DoorAnswer[] {
  return [
    smtpAnswer('after-queue', verdict, refused),
    smtpAnswer('before-queue', verdict, refused),
    milterAnswer(verdictAtMilter, refused),
    policyAnswer(refused),
  ];
}

function told(situation: Situation, position: Position): string {
  return replyText(replyTable[situation][position]);
}

function smtpAnswer(position: Position, verdict: Verdict, refused?: Situation): DoorAnswer {
  if (refused) return refusal(position, refused, position);
  const disposition = dispose(verdict, position);
  switch (disposition.kind) {
    case 'relay': {
      const words = disposition.tagged ? 'relay, tagged' : 'relay';
      return { position, disposition: words, reply: "the next hop's" };
    }
    case 'quarantine':
    case 'discard':
      return { position, disposition: disposition.kind, reply: told('taken', position) };
    case 'refuse':
      return refusal(position, disposition.situation, position);
  }
}

function refusal(door: DoorAnswer['position'], situation: Situation, as: Position): DoorAnswer {
  return { position: door, disposition: `refuse (${situation})`, reply: told(situation, as) };
}

function milterAnswer(verdict: Verdict, refused?: Situation): DoorAnswer {
  const position = 'milter';
  if (refused === 'bare-line-end') {
    const disposition = 'not known: its MTA gives every line its CRLF first';
    return { position, disposition, reply: 'as for that message' };
  }
  if (refused) return refusal(position, refused, 'before-queue');
  const answer = answerTo(verdict, { enabled: false, text: '' }, false);
  switch (answer.kind) {
    case 'take': {
      const disposition = verdict.action === 'tag' ? 'accept, tagged' : 'accept';
      return { position, disposition, reply: "Postfix's own" };
    }
    case 'refuse': {
      const isHeld = answerTo(verdict, { enabled: false, text: '' }, true).kind === 'hold';
      const refuses = refusal(position, answer.situation, 'before-queue');
      const disposition = `${refuses.disposition}${isHeld ? ', or hold' : ''}`;
      return { ...refuses, disposition };
    }
    case 'discard':
    case 'hold':
      return { position, disposition: answer.kind, reply: "Postfix's own" };
  }
}

/** At END-OF-MESSAGE, where nothing else stands in the way: it knows the size and no content. */
function policyAnswer(refused: Situation | undefined): DoorAnswer {
  const isTooLarge = refused === 'too-large';
  return {
    position: 'policy',
    disposition: isTooLarge ? 'refuse (too-large)' : 'no objection',
    reply: policyAction(isTooLarge ? 'too-large' : undefined),
  };
}
