/**
 * Carries out the ends that a message comes to, one for all of its recipients or several, and puts
 * together what the peer is told: nobody gets the message twice, and nobody's is lost.
 */
import type { Path } from '../envelope.ts';
import type { Finding } from '../verdict/finding.ts';
import { type Answer, inSituation, isAccepted, isRefused } from './answer.ts';
import { carryOut, type Judged } from './carry-out.ts';
import type { Ends } from './ends.ts';
import { endOf, failed, type Outcome } from './outcome.ts';
import type { OutcomeKind } from './record.ts';

/** An end, carried out as far as it went. */
interface Done {
  readonly recipients: readonly Path[];
  readonly outcome: Outcome;
}

/** Carries out each end, and puts the answers together. */
export async function carryOutApart(
  { all }: Ends,
  findings: readonly Finding[],
  message: Judged,
): Promise<Outcome> {
  const done: Done[] = [];
  for (const { recipients, verdict } of all) {
    const handover = all.length === 1 ? message.handover : message.handover.only(recipients);
    const outcome = await carryOut(verdict, findings, { ...message, handover }).catch(
      (error: unknown) => failed(error, message.signal),
    );
    done.push({ recipients, outcome });
    // Its reply is that of all, who must not have the message already when it comes again.
    if (message.door.flavour === 'smtp' && !outcome.answers.every(isAccepted)) break;
  }
  return together(done, message);
}

function together(done: readonly Done[], message: Judged): Outcome {
  const courses = coursesOf(done, message);
  const answers = answersOf(done, courses, message);
  const outcomes = done.map(({ outcome }) => outcome);
  const quarantineId = outcomes.find((one) => one.quarantineId !== undefined)?.quarantineId;
  const detail = detailOf(done);
  return {
    kind: kindOf(courses, answers, outcomes[0]?.kind ?? 'deferred'),
    answers,
    ends: courses.map(({ end }) => end),
    ...(detail !== '' && { detail }),
    ...(quarantineId !== undefined && { quarantineId }),
  };
}

/** What became of one recipient. */
interface Course {
  readonly path: Path;
  readonly end: OutcomeKind;
  /** Undefined where nothing was done, or nobody is there to hear of it. */
  readonly answer: Answer | undefined;
}

function coursesOf(done: readonly Done[], { envelope, handover }: Judged): readonly Course[] {
  const fresh = new Map<Path, Course>();
  for (const { recipients, outcome } of done) {
    const { answers, kind } = outcome;
    recipients.forEach((path, at) => {
      const answer = answers.length > 1 ? answers[at] : answers[0];
      fresh.set(path, { path, answer, end: endOf(answer, kind) });
    });
  }
  return envelope.recipients.map((path, at): Course => {
    const known = handover.earlier[at];
    if (known) return { path, answer: known, end: endOf(known, 'repeated') };
    return fresh.get(path) ?? { path, answer: undefined, end: 'deferred' };
  });
}

function answersOf(
  done: readonly Done[],
  courses: readonly Course[],
  message: Judged,
): readonly Answer[] {
  if (done.some(({ outcome }) => outcome.answers.length === 0)) return [];
  if (message.door.flavour === 'smtp') return [replyForAll(courses, message)];
  const [first] = done;
  const isForAll = done.length === 1 && !message.handover.earlier.some((one) => one);
  if (first && isForAll) return first.outcome.answers;
  return courses.flatMap(({ answer }) => (answer ? [answer] : []));
}

/** Where one has to wait all do, and where one is refused all are: Postfix bounces for all then. */
function replyForAll(courses: readonly Course[], message: Judged): Answer {
  const answers = courses.flatMap(({ answer }) => (answer ? [answer] : []));
  const waits = answers.find((answer) => !isAccepted(answer) && !isRefused(answer));
  if (waits) return waits;
  const refusal = answers.find(isRefused);
  if (refusal && comeApart(courses, message)) return inSituation('one-recipient');
  const said = refusal ?? answers.find(({ kind }) => kind === 'next-hop') ?? answers[0];
  return said ?? inSituation('deferred');
}

/**
 * Whether some have the message, or have it kept, others are refused, and a retry would have them
 * come apart at RCPT (transaction.ts): then it gives each of them the answer that is true.
 */
function comeApart(courses: readonly Course[], { parts, envelope }: Judged): boolean {
  const { ident } = envelope.client;
  if (ident === undefined || !courses.some(({ answer }) => answer && isAccepted(answer))) {
    return false;
  }
  return courses.every(({ path, answer }) => {
    return parts.handovers.hasAccepted(ident, path) === (answer && isAccepted(answer));
  });
}

/** Relayed to anyone is relayed; else what is said to all, or what became of it for the first. */
function kindOf(
  courses: readonly Course[],
  answers: readonly Answer[],
  first: OutcomeKind,
): OutcomeKind {
  if (answers.length === 0) return 'abandoned';
  if (courses.some(({ end }) => end === 'relayed')) return 'relayed';
  return answers.length === 1 ? endOf(answers[0], first) : first;
}

function detailOf(done: readonly Done[]): string {
  const words = done.map(({ outcome, recipients }) => `${outcome.kind} for ${recipients.length}`);
  const details = done.flatMap(({ outcome: { detail } }) => (detail === undefined ? [] : [detail]));
  return [...(done.length > 1 ? [words.join(', ')] : []), ...details].join('; ');
}
