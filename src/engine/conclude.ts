import type { CancelSignal } from '../cancel-signal.ts';
import type { Envelope } from '../envelope.ts';
import type { Violations } from '../protocol/smtp/data.ts';
import type { Delivery } from '../relay/next-hop.ts';
import type { ScanReport } from '../scan/scanner.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Situation } from '../verdict/situation.ts';
import type { Verdict } from '../verdict/verdict.ts';
import type { Judged } from './carry-out.ts';
import { carryOutApart } from './apart.ts';
import type { Attempt } from './attempt.ts';
import { type Ends, endsOf } from './ends.ts';
import type { Door, EngineParts } from './engine.ts';
import type { Handover } from './handover.ts';
import type { Intake } from './intake.ts';
import { messageKey } from './message-key.ts';
import { failed, refused, repeated, type Outcome } from './outcome.ts';
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
    const ends = await judge({ ...message, handover }, seen);
    message.stopwatch.enter('handover');
    const done = await carryOutApart(ends, seen.findings ?? [], { ...message, handover });
    return { ...seen, ...done };
  } catch (error) {
    return { ...seen, ...failed(error, message.signal) };
  } finally {
    handover?.release();
  }
}

/** Before the queue there is no second copy that could come again: each message is a new one. */
function claim({ parts, door, intake, envelope, signal }: Complete): Promise<Handover> {
  const key =
    door.position === 'after-queue'
      ? messageKey(intake.identity, intake.content.digest, envelope.client)
      : undefined;
  return parts.handovers.claim(key, envelope.recipients, parts.nextHop.address, signal);
}

async function judge(message: Judged, seen: Seen): Promise<Ends> {
  const { intake, violations, parts, signal } = message;
  const unscannable = setApart(intake, parts);
  if (!unscannable) seen.report = await intake.report(signal);
  const scanned = unscannable ?? seen.report?.findings ?? [];
  seen.findings = [...scanned, ...lineFindings(violations)];
  const ends = endsOf(seen.findings, message);
  seen.verdict = ends.verdict;
  return ends;
}

/** One message must not stall the queue by breaking the scanner again and again. */
export function setApart(
  intake: Intake,
  { limits }: Pick<EngineParts, 'limits'>,
): Finding[] | undefined {
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
