import { Canceller } from '../cancel-signal.ts';
import type { Client, Path } from '../envelope.ts';
import { Cancelled, notNeeded, type CancelCause } from '../errors.ts';
import { HeaderCollector } from '../protocol/message/header.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Situation } from '../verdict/situation.ts';
import type { Leave } from '../waiting-line.ts';
import { inSituation } from './answer.ts';
import { setApart } from './conclude.ts';
import { describe } from './describe.ts';
import type { Identity } from './identity.ts';
import { Intake } from './intake.ts';
import { answerTo, type MilterAnswer, verdictForAll } from './milter-answer.ts';
import type { MilterDoor, MilterEngineParts } from './milter-engine.ts';
import { abandoned, failed, refused, type Outcome } from './outcome.ts';
import { Stopwatch } from './stopwatch.ts';

/** What the MTA told with the end of a message. */
export interface MilterEnd {
  readonly queueId: string | undefined;
  readonly tooManyRecipients: boolean;
  /** Whether this MTA can hold a message. */
  readonly canHold: boolean;
}

/** How long MAIL waits for a free place: well below Postfix's milter_command_timeout (30 s). */
const mailWaitMs = 20_000;
/** The longest deadline at this door: below Postfix's milter_content_timeout (300 s), above wait_max. */
const deadlineMsMax = 270_000;

/**
 * One message that an MTA asks about. It has the message before and after, so nothing here can lose
 * it or make two of it: it is scanned, and what is to become of it is said.
 *
 * The legal paths: open → recipient* → write* → finish; `abandon` at any time. A place in the line
 * is held from the first byte of content on: an MTA sends that at one go, while a client of its may
 * take for ever over its envelope.
 */
export class MilterTransaction {
  readonly id: string;
  readonly #door: MilterDoor;
  readonly #parts: MilterEngineParts;
  readonly #client: Client;
  readonly #reversePath: Path;
  readonly #time: number;
  readonly #stopwatch: Stopwatch;
  readonly #cancel = new Canceller();
  readonly #recipients: Path[] = [];
  #leave: Leave | undefined;
  #intake: Intake | undefined;
  #size = 0;
  /** Why it will be refused, whatever else comes. */
  #refusal: Situation | undefined;
  /** What went wrong before its end. */
  #failure: Outcome | undefined;
  #queueId: string | undefined;
  #finishing = false;
  #over = false;

  constructor(door: MilterDoor, parts: MilterEngineParts, client: Client, reversePath: Path) {
    this.id = parts.newId();
    this.#door = door;
    this.#parts = parts;
    this.#client = client;
    this.#reversePath = reversePath;
    this.#time = parts.clock.now();
    this.#stopwatch = new Stopwatch(parts.clock);
  }

  /** Whether it has come to its answer, and holds nothing any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether content has come, and the MTA waits for what becomes of it. */
  get atWork(): boolean {
    return !this.#over && (this.#leave !== undefined || this.#finishing);
  }

  /** No more of its content is needed: the answer is known. */
  get needsNoMore(): boolean {
    return (this.#refusal ?? this.#failure) !== undefined || this.#intake?.headerTooLarge === true;
  }

  /** MAIL: looks whether there would be a place. @returns why it is refused. */
  async open(): Promise<Situation | undefined> {
    const { clock, line, stopping } = this.#parts;
    const wait = new Canceller();
    const stop = (): void => {
      wait.abort(notNeeded);
    };
    const timer = clock.after(mailWaitMs, stop);
    this.#cancel.signal.addEventListener('abort', stop);
    const leave = await line.enter(wait.signal).catch(() => undefined);
    this.#cancel.signal.removeEventListener('abort', stop);
    timer.cancel();
    leave?.();
    const situation = stopping.aborted ? 'stopping' : leave ? undefined : 'busy';
    if (situation !== undefined) this.#end(refused(situation));
    else this.#stopwatch.enter('receive');
    return situation;
  }

  recipient(path: Path): void {
    this.#recipients.push(path);
  }

  /** Nothing more of it is looked at: the end has this answer, whatever else comes. */
  refuse(situation: Situation): void {
    this.#refusal ??= situation;
  }

  /** The next bytes of the content; to be awaited before the next ones when it is a promise. */
  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#over || this.needsNoMore) return undefined;
    this.#size += bytes.length;
    if (this.#size > this.#parts.limits.messageBytesMax) this.#refusal = 'too-large';
    else if (this.#intake) return this.#intake.write(bytes);
    else return this.#begin(bytes);
    return undefined;
  }

  async #begin(bytes: Buffer): Promise<void> {
    const { line, scans, openSpool, limits } = this.#parts;
    this.#stopwatch.enter('wait');
    try {
      this.#leave = await line.enter(this.#cancel.signal);
      this.#stopwatch.enter('receive');
      if (!this.#leave) this.#refusal = 'busy';
      else if (this.#isOver()) this.#leave();
      else {
        this.#intake = new Intake(openSpool(), new HeaderCollector(limits.headerBytesMax), scans);
        await this.#intake.write(bytes);
      }
    } catch (error) {
      this.#failure = failed(error, this.#cancel.signal);
    }
  }

  /** Looked at anew, where something was waited for. */
  #isOver(): boolean {
    return this.#over;
  }

  /** The end of the content. @returns undefined when nobody is there to hear it. */
  async finish(end: MilterEnd): Promise<MilterAnswer | undefined> {
    this.#finishing = true;
    this.#queueId = end.queueId;
    this.#stopwatch.enter('scan');
    const { clock, limits } = this.#parts;
    const deadline = clock.after(Math.min(limits.deadlineMs, deadlineMsMax), () => {
      this.#abort('deadline');
    });
    const { outcome, answer } = await this.#conclude(end).catch((error: unknown) =>
      withAnswer(failed(error, this.#cancel.signal)),
    );
    deadline.cancel();
    this.#end(outcome);
    return answer;
  }

  async #conclude(end: MilterEnd): Promise<Concluded> {
    if (this.#failure) return withAnswer(this.#failure);
    const unread = this.#refusedUnread(end);
    if (unread || !this.#intake) return withAnswer(unread ? refused(unread) : abandoned);
    this.#intake.finish();
    const { rules, banned, stamp } = this.#parts;
    const unscannable = setApart(this.#intake, this.#parts);
    const report = unscannable ? undefined : await this.#intake.report(this.#cancel.signal);
    const findings: readonly Finding[] = unscannable ?? report?.findings ?? [];
    const recipients = this.#recipients.map(({ address }) => address);
    const addressed = {
      listener: this.#door.listener,
      sender: this.#reversePath.address,
      recipients,
    };
    const verdict = verdictForAll(findings, { rules, banned }, addressed);
    const answer = answerTo(verdict, stamp, this.#door.holds && end.canHold);
    const seen = { findings, verdict, ...(report && { report }) };
    const because = verdict.because[0]?.detail;
    return { outcome: { ...seen, ...outcomeOf(answer, because) }, answer };
  }

  #refusedUnread({ tooManyRecipients }: MilterEnd): Situation | undefined {
    if (this.#refusal) return this.#refusal;
    if (this.#intake?.headerTooLarge) return 'header-too-large';
    if (tooManyRecipients) return 'too-many-recipients';
    return this.#parts.stopping.aborted ? 'stopping' : undefined;
  }

  /** The MTA took it back or is gone. */
  abandon(): void {
    this.#abort('peer-gone');
    if (!this.#finishing) this.#end(abandoned);
  }

  /** The daemon's drain time is over. */
  shutDown(): void {
    this.#abort('shutdown');
  }

  #abort(why: CancelCause): void {
    this.#cancel.abort(new Cancelled(why));
  }

  /** Gives everything back and tells the observer, once. */
  #end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel.abort(notNeeded);
    const record = describe(outcome, {
      id: this.id,
      time: this.#time,
      listener: this.#door.listener,
      client: this.#client,
      reversePath: this.#reversePath,
      recipients: this.#recipients.map((path) => ({ path })),
      intake: this.#intake,
      identity: this.#identity(),
      ms: this.#stopwatch.read(),
    });
    this.#parts.observe(record);
    this.#intake?.dispose(outcome.kind === 'deferred' || outcome.kind === 'abandoned');
    this.#leave?.();
  }

  /** The topmost Received line is that of the host before: the MTA's own is not shown to a Milter. */
  #identity(): Identity {
    const messageId = this.#intake?.identity.messageId;
    return {
      ...(this.#queueId && { queueId: this.#queueId }),
      ...(messageId !== undefined && { messageId }),
    };
  }
}

interface Concluded {
  readonly outcome: Outcome;
  readonly answer: MilterAnswer | undefined;
}

/** What was not judged is refused or abandoned. */
function withAnswer(outcome: Outcome): Concluded {
  const [said] = outcome.answers;
  const answer: MilterAnswer | undefined =
    said?.kind === 'situation' ? { kind: 'refuse', situation: said.situation } : undefined;
  return { outcome, answer };
}

function outcomeOf(answer: MilterAnswer, because: string | undefined): Outcome {
  switch (answer.kind) {
    case 'take':
      return { kind: 'relayed', answers: [] };
    case 'hold':
      return { kind: 'quarantined', answers: [inSituation('taken')], detail: 'held by the MTA' };
    case 'discard':
      return { kind: 'discarded', answers: [inSituation('taken')] };
    case 'refuse':
      return refused(answer.situation, because);
  }
}
