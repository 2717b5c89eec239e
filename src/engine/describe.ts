import type { Client, Path } from '../envelope.ts';
import type { Reply } from '../protocol/smtp/reply.ts';
import { type Answer, isAccepted } from './answer.ts';
import type { Identity } from './identity.ts';
import type { Intake } from './intake.ts';
import { endOf, type Outcome } from './outcome.ts';
import type { RecipientRecord, StageMs, TransactionRecord } from './record.ts';

/** A recipient and, once it is known, what the next hop said to it at RCPT. */
export interface RecipientNote {
  readonly path: Path;
  answer?: Answer;
  /** What went wrong, where the answer does not say it. */
  detail?: string | undefined;
}

/** What a transaction knows of itself when it ends. */
export interface Course {
  readonly id: string;
  readonly time: number;
  readonly listener: string;
  readonly client: Client;
  readonly reversePath: Path;
  readonly recipients: readonly RecipientNote[];
  readonly intake: Intake | undefined;
  /** Where the door knows it better than the header section does. */
  readonly identity?: Identity;
  readonly ms: StageMs;
}

/** The record of a transaction that is over. */
export function describe(outcome: Outcome, course: Course): TransactionRecord {
  const { intake, reversePath, recipients, identity = intake?.identity, ...known } = course;
  const { ident } = course.client;
  return {
    ...known,
    ...(ident && { queueId: ident }),
    ...identity,
    sender: reversePath.address,
    recipients: recipientRecords(recipients, outcome),
    size: intake?.content.size ?? 0,
    ...(intake?.content.sealed && { digest: intake.content.digest }),
    findings: outcome.findings ?? [],
    coverage: outcome.verdict?.coverage ?? 'none',
    streams: outcome.report?.streams ?? [],
    ...(outcome.verdict && { verdict: outcome.verdict.kind }),
    outcome: outcome.kind,
    ...answered(outcome),
    ...(outcome.detail !== undefined && { detail: outcome.detail }),
    ...(outcome.quarantineId !== undefined && { quarantineId: outcome.quarantineId }),
  };
}

/** Several answers are those of the accepted recipients, in order (RFC 2033 §4.2). */
function recipientRecords(
  notes: readonly RecipientNote[],
  { kind, answers, ends = [] }: Outcome,
): RecipientRecord[] {
  const own = answers.length > 1 ? [...answers] : [];
  const ownEnds = [...ends];
  return notes.map(({ path, answer }) => {
    const isNamed = answer !== undefined && isAccepted(answer);
    const said = isNamed ? own.shift() : answer;
    const end = isNamed ? (ownEnds.shift() ?? kind) : endOf(answer, kind);
    return {
      address: path.address,
      ...(end !== kind && { outcome: end }),
      ...(said?.kind === 'next-hop' && { reply: said.reply }),
    };
  });
}

function answered({ answers }: Outcome): Partial<TransactionRecord> {
  const [answer] = answers;
  if (answer === undefined) return {};
  if (answer.kind === 'situation') return { situation: answer.situation };
  const nextHopQueueId = queuedAs(answer.reply);
  return { reply: answer.reply, ...(nextHopQueueId !== undefined && { nextHopQueueId }) };
}

/** Postfix says `Ok: queued as 4F3b…`; another next hop's id, if any, is not ours to guess. */
function queuedAs(reply: Reply): string | undefined {
  return /\bqueued as ([0-9A-Za-z]+)/.exec(reply.lines.at(-1) ?? '')?.[1];
}
