/**
 * To what ends the rules of its recipients bring a message. Over LMTP each hears of his own (RFC
 * 2033 §4.2). Over SMTP one reply holds for all, so their ends must be such that one reply is true
 * of them.
 */
import type { Path } from '../envelope.ts';
import { bannedFor } from '../verdict/banned.ts';
import { type Disposition, dispose } from '../verdict/disposition.ts';
import type { Finding } from '../verdict/finding.ts';
import { isFinal } from '../verdict/situation.ts';
import { rank } from '../verdict/strictness.ts';
import { decide, type Verdict } from '../verdict/verdict.ts';
import { isAccepted } from './answer.ts';
import type { Judged } from './carry-out.ts';

/** What becomes of the message for some of its recipients. */
export interface End {
  readonly verdict: Verdict;
  readonly recipients: readonly Path[];
}

export interface Ends {
  /** The strictest one, which names the message's. */
  readonly verdict: Verdict;
  /** In the order in which they are to be carried out; one where all come to the same. */
  readonly all: readonly End[];
}

/**
 * What is kept or dropped comes before what is relayed: should it fail, nothing has been delivered
 * that a retry could repeat.
 */
const order: readonly Disposition['kind'][] = ['refuse', 'quarantine', 'discard', 'relay'];

/** What the findings mean for each recipient who is due. */
export function endsOf(findings: readonly Finding[], message: Judged): Ends {
  const { handover, door, envelope, parts } = message;
  const sender = envelope.reversePath.address;
  const verdicts = handover.due.map((path): [Path, Verdict] => {
    const to = { listener: door.listener, sender, recipient: path.address };
    const here = bannedFor(findings, parts.rules, parts.banned, to);
    return [path, decide(here.findings, here.rules)];
  });
  const verdict = strictestOf(verdicts.map(([, one]) => one)) ?? decide(findings, parts.rules);
  const fitting = door.flavour === 'lmtp' ? verdicts : withOneReply(verdicts, message);
  return { verdict, all: grouped(fitting, message) };
}

/**
 * Over SMTP: where one has to wait, all do. Where some would be refused and others not, or others
 * have it already, those are kept instead after the queue: refusing would bounce the message for
 * all, and Postfix has no reply for one alone. Before the queue nobody gets it: the sender hears so,
 * and it is true.
 */
function withOneReply(
  verdicts: readonly [Path, Verdict][],
  { door, handover }: Judged,
): readonly [Path, Verdict][] {
  const dispositions = verdicts.map(([, verdict]) => dispose(verdict, door.position));
  const waits = verdicts.find((_, at) => isTemporary(dispositions[at]));
  if (waits) return verdicts.map(([path]) => [path, waits[1]]);
  const refused = verdicts.filter((_, at) => dispositions[at]?.kind === 'refuse');
  const refusal = strictestOf(refused.map(([, verdict]) => verdict));
  const othersHaveIt = handover.earlier.some((answer) => answer && isAccepted(answer));
  const isOfAll = !othersHaveIt && refused.length === verdicts.length;
  if (refusal && (isOfAll || door.position === 'before-queue')) {
    return verdicts.map(([path]) => [path, refusal]);
  }
  return verdicts.map(([path, verdict], at) =>
    dispositions[at]?.kind === 'refuse'
      ? [path, { ...verdict, action: 'quarantine' }]
      : [path, verdict],
  );
}

function isTemporary(disposition: Disposition | undefined): boolean {
  return disposition?.kind === 'refuse' && !isFinal(disposition.situation);
}

/** One end for each kind, because what goes on is one message: it is tagged if it is for anyone. */
function grouped(verdicts: readonly [Path, Verdict][], { door }: Judged): readonly End[] {
  const ends = new Map<string, End>();
  for (const [path, verdict] of verdicts) {
    const disposition = dispose(verdict, door.position);
    const { kind } = disposition;
    const key = kind === 'refuse' ? `${kind} ${disposition.situation}` : kind;
    const same = ends.get(key);
    const strictest =
      same && rank(same.verdict.action) >= rank(verdict.action) ? same.verdict : verdict;
    ends.set(key, { verdict: strictest, recipients: [...(same?.recipients ?? []), path] });
  }
  const place = ({ verdict }: End): number => order.indexOf(dispose(verdict, door.position).kind);
  return [...ends.values()].sort((a, b) => place(a) - place(b));
}

function strictestOf(verdicts: readonly Verdict[]): Verdict | undefined {
  const [first, ...rest] = verdicts;
  return rest.reduce((one, other) => {
    return one && rank(one.action) >= rank(other.action) ? one : other;
  }, first);
}
