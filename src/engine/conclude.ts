import type { Envelope } from '../envelope.ts';
import { editHeader } from '../protocol/message/edit.ts';
import type { Violations } from '../protocol/smtp/data.ts';
import type { Delivery } from '../relay/next-hop.ts';
import type { ScanReport } from '../scan/scanner.ts';
import { dispose } from '../verdict/disposition.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Situation } from '../verdict/situation.ts';
import { decide, type Verdict } from '../verdict/verdict.ts';
import type { Door, EngineParts } from './engine.ts';
import { identify } from './identity.ts';
import type { Intake } from './intake.ts';
import { cancelled, failed, refused, relayed, type Outcome } from './outcome.ts';
import { outgoing } from './outgoing.ts';
import { stampLine, stampName } from './stamp.ts';
import type { Stopwatch } from './stopwatch.ts';
import { inSituation } from './answer.ts';
import { cancelCause } from '../errors.ts';

/** A message whose last byte has arrived. */
export interface Complete {
  readonly parts: EngineParts;
  readonly door: Door;
  /** With the recipients that the next hop accepted. */
  readonly envelope: Envelope;
  readonly delivery: Delivery;
  readonly intake: Intake;
  readonly violations: Violations;
  readonly stopwatch: Stopwatch;
  readonly signal: AbortSignal;
}

/**
 * From the end of data to the outcome: findings → verdict → disposition → outcome. Nothing of the
 * content goes to the next hop before the verdict. Never rejects: a failure is an outcome.
 */
export async function conclude(message: Complete): Promise<Outcome> {
  const seen: { report?: ScanReport; findings?: readonly Finding[]; verdict?: Verdict } = {};
  try {
    const unread = refusedUnread(message);
    if (unread) return refused(unread);
    message.intake.finish();
    seen.report = await message.intake.report();
    seen.findings = [...seen.report.findings, ...lineFindings(message.violations)];
    seen.verdict = decide(seen.findings, message.parts.rules);
    message.stopwatch.enter('handover');
    return { ...seen, ...(await carryOut(seen.verdict, seen.findings, message)) };
  } catch (error) {
    return { ...seen, ...failed(error, message.signal) };
  }
}

/** What is refused whatever it contains, and is therefore not scanned to the end. */
function refusedUnread({ violations, intake, parts }: Complete): Situation | undefined {
  if (violations.tooLarge) return 'too-large';
  if (violations.lineEnd) return 'bare-line-end';
  if (intake.headerTooLarge) return 'header-too-large';
  if (parts.stopping.aborted) return 'stopping';
  return undefined;
}

function lineFindings(violations: Violations): Finding[] {
  if (!violations.crDot) return [];
  return [{ kind: 'smuggling', stream: 'message', detail: 'bare CR before a lone dot' }];
}

async function carryOut(
  verdict: Verdict,
  findings: readonly Finding[],
  message: Complete,
): Promise<Outcome> {
  const disposition = dispose(verdict, message.door.position);
  switch (disposition.kind) {
    case 'relay':
      return relay(verdict, message);
    case 'quarantine':
      return quarantine(verdict, findings, message);
    case 'discard':
      return { kind: 'discarded', answers: [inSituation('taken')] };
    case 'refuse':
      return refused(disposition.situation, verdict.because[0]?.detail);
  }
}

async function relay(verdict: Verdict, message: Complete): Promise<Outcome> {
  const { intake, parts, delivery, signal } = message;
  const { head, headBytes } = stamped(verdict, intake.header, parts);
  const results = await delivery.send(
    () => outgoing(intake.content, head, headBytes, signal),
    signal,
  );
  // Called off before the final dot: the next hop has nothing, and the reason is ours to tell.
  const calledOff = signal.aborted && results.every(({ kind }) => kind === 'unreachable');
  return calledOff ? cancelled(cancelCause(signal)) : relayed(results);
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
  message: Complete,
): Promise<Outcome> {
  const { parts, intake, door, envelope, signal } = message;
  const quarantineId = await parts.quarantine.store(
    intake.content,
    {
      verdict: verdict.kind,
      findings,
      coverage: verdict.coverage,
      envelope,
      listener: door.listener,
      digest: intake.content.digest,
      ...identify(intake.header),
    },
    signal,
  );
  return { kind: 'quarantined', answers: [inSituation('taken')], quarantineId };
}
