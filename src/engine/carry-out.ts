/** What a verdict comes to, done: relayed, kept, dropped or refused. */
import { cancelCause, messageOf } from '../errors.ts';
import { editHeader } from '../protocol/message/edit.ts';
import type { RelayResult } from '../relay/next-hop.ts';
import { dispose } from '../verdict/disposition.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { inSituation } from './answer.ts';
import type { Complete } from './conclude.ts';
import type { EngineParts } from './engine.ts';
import type { Handover } from './handover.ts';
import { cancelled, refused, relayed, type Outcome } from './outcome.ts';
import { outgoing } from './outgoing.ts';
import { stampLine, stampName } from './stamp.ts';

/** A message that has a verdict, and a claim on those who are due. */
export interface Judged extends Complete {
  readonly handover: Handover;
}

/**
 * Does what the verdict comes to at this position, for all who are due.
 *
 * @returns with one answer for all of them, or one for each.
 */
export async function carryOut(
  verdict: Verdict,
  findings: readonly Finding[],
  message: Judged,
): Promise<Outcome> {
  const disposition = dispose(verdict, message.door.position);
  switch (disposition.kind) {
    case 'relay':
      return relay(verdict, message);
    case 'quarantine':
      return quarantine(verdict, findings, message);
    case 'discard':
      await message.handover.end(message.attempt, 'discarded');
      return { kind: 'discarded', answers: [inSituation('taken')] };
    case 'refuse':
      return refused(disposition.situation, verdict.because[0]?.detail);
  }
}

async function relay(verdict: Verdict, message: Judged): Promise<Outcome> {
  const { handover, attempt, signal } = message;
  await handover.begin(attempt);
  const results = await send(verdict, message).catch(async (error: unknown) => {
    await handover.settle([{ kind: 'unreachable', detail: messageOf(error) }]);
    throw error;
  });
  const answers = await handover.settle(results);
  // Called off before the final dot: the next hop has nothing, and the reason is ours to tell.
  const calledOff = signal.aborted && results.every(({ kind }) => kind === 'unreachable');
  if (calledOff) return cancelled(cancelCause(signal));
  const outcome = relayed(results, answers);
  // The next hop refused because of us; its own words do not say why.
  return attempt.failure === undefined
    ? outcome
    : { ...outcome, detail: messageOf(attempt.failure) };
}

function send(verdict: Verdict, message: Judged): Promise<readonly RelayResult[]> {
  const { intake, parts, delivery, handover, envelope, signal } = message;
  const { head, headBytes } = stamped(verdict, intake.header, parts);
  const some = handover.due.length < envelope.recipients.length;
  const content = () => outgoing(intake.content, head, headBytes, signal);
  return delivery.send(content, signal, some ? handover.due : undefined);
}

function stamped(
  verdict: Verdict,
  header: Buffer,
  { stamp }: EngineParts,
): { head: readonly Buffer[]; headBytes: number } {
  const prepend = stamp.enabled ? stampLine(stamp, verdict) : undefined;
  return { head: editHeader(header, { remove: [stampName], prepend }), headBytes: header.length };
}

/** Custody: only what is stored durably is answered 250. */
async function quarantine(
  verdict: Verdict,
  findings: readonly Finding[],
  message: Judged,
): Promise<Outcome> {
  const { parts, intake, door, handover, signal } = message;
  const envelope = { ...message.envelope, recipients: handover.due };
  const quarantineId = await parts.quarantine.store(
    intake.content,
    {
      verdict: verdict.kind,
      findings,
      coverage: verdict.coverage,
      envelope,
      listener: door.listener,
      digest: intake.content.digest,
      ...intake.identity,
    },
    signal,
  );
  await handover.end(message.attempt, 'quarantined', quarantineId);
  return { kind: 'quarantined', answers: [inSituation('taken')], quarantineId };
}
