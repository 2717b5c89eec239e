import type { CancelSignal } from '../cancel-signal.ts';
import type { Envelope } from '../envelope.ts';
import { cancelCause, messageOf } from '../errors.ts';
import { editHeader } from '../protocol/message/edit.ts';
import type { Violations } from '../protocol/smtp/data.ts';
import type { Delivery, RelayResult } from '../relay/next-hop.ts';
import type { ScanReport } from '../scan/scanner.ts';
import { dispose } from '../verdict/disposition.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Situation } from '../verdict/situation.ts';
import { decide, type Verdict } from '../verdict/verdict.ts';
import { type Answer, inSituation } from './answer.ts';
import type { Attempt } from './attempt.ts';
import type { Door, EngineParts } from './engine.ts';
import type { Handover } from './handover.ts';
import type { Intake } from './intake.ts';
import { messageKey } from './message-key.ts';
import { cancelled, failed, merge, refused, relayed, repeated, type Outcome } from './outcome.ts';
import { outgoing } from './outgoing.ts';
import { stampLine, stampName } from './stamp.ts';
import type { Stopwatch } from './stopwatch.ts';

/** A message whose last byte has arrived. */
export interface Complete {
  readonly parts: EngineParts;
  readonly door: Door;
  /** With the recipients that the next hop accepted. */
  readonly envelope: Envelope;
  readonly delivery: Delivery;
  /** By which the next hop knows the delivery. */
  readonly attempt: Attempt;
  readonly intake: Intake;
  readonly violations: Violations;
  readonly stopwatch: Stopwatch;
  readonly signal: CancelSignal;
}

/** What is known so far, for the log, however it ends. */
interface Seen {
  report?: ScanReport;
  findings?: readonly Finding[];
  verdict?: Verdict;
}

/**
 * From the end of data to the outcome: what was handed over before is answered as it was then; the
 * rest goes from findings to verdict to disposition. Nothing of the content goes to the next hop
 * before the verdict. Never rejects: a failure is an outcome.
 */
export async function conclude(message: Complete): Promise<Outcome> {
  const seen: Seen = {};
  let handover: Handover | undefined;
  try {
    const unread = refusedUnread(message);
    if (unread) return refused(unread);
    message.intake.finish();
    handover = await claim(message);
    const known = repeated(handover, message.door.flavour);
    if (known) return known;
    const verdict = await judge(message, seen);
    message.stopwatch.enter('handover');
    return { ...seen, ...(await carryOut(verdict, seen.findings ?? [], { ...message, handover })) };
  } catch (error) {
    return { ...seen, ...failed(error, message.signal) };
  } finally {
    handover?.release();
  }
}

function claim({ parts, intake, envelope, signal }: Complete): Promise<Handover> {
  const key = messageKey(intake.identity, intake.content.digest, envelope.client);
  return parts.handovers.claim(key, envelope.recipients, parts.nextHop.address, signal);
}

async function judge(
  { intake, violations, parts, signal }: Complete,
  seen: Seen,
): Promise<Verdict> {
  const unscannable = setApart(intake, parts);
  if (!unscannable) seen.report = await intake.report(signal);
  const scanned = unscannable ?? seen.report?.findings ?? [];
  seen.findings = [...scanned, ...lineFindings(violations)];
  seen.verdict = decide(seen.findings, parts.rules);
  return seen.verdict;
}

/** One message must not stall the queue by breaking the scanner again and again. */
function setApart(intake: Intake, { limits }: EngineParts): Finding[] | undefined {
  const { brokenScans } = intake;
  if (brokenScans < limits.brokenScansMax) return undefined;
  intake.skipScan();
  const detail = `${brokenScans} scans of it broke off`;
  return [{ kind: 'unscannable', stream: 'message', detail }];
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

interface Judged extends Complete {
  readonly handover: Handover;
}

async function carryOut(
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
      return { kind: 'discarded', answers: withEarlier(inSituation('taken'), message) };
    case 'refuse': {
      const refusal = refused(disposition.situation, verdict.because[0]?.detail);
      const answers = withEarlier(inSituation(disposition.situation), message);
      return { ...refusal, answers };
    }
  }
}

/** What was done now was done for those who were due, and is said of nobody else. */
function withEarlier(answer: Answer, { handover, door }: Judged): readonly Answer[] {
  return merge(handover.earlier, [answer], door.flavour);
}

async function relay(verdict: Verdict, message: Judged): Promise<Outcome> {
  const { handover, attempt, signal, door } = message;
  await handover.begin(attempt);
  const results = await send(verdict, message).catch(async (error: unknown) => {
    await handover.settle([{ kind: 'unreachable', detail: messageOf(error) }]);
    throw error;
  });
  const answers = await handover.settle(results);
  // Called off before the final dot: the next hop has nothing, and the reason is ours to tell.
  const calledOff = signal.aborted && results.every(({ kind }) => kind === 'unreachable');
  if (calledOff) return cancelled(cancelCause(signal));
  const outcome = relayed(results, merge(handover.earlier, answers, door.flavour));
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
  const answers = withEarlier(inSituation('taken'), message);
  return { kind: 'quarantined', answers, quarantineId };
}
