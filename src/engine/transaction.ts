import { assert } from '../assert.ts';
import { Canceller } from '../cancel-signal.ts';
import type { Client, Path } from '../envelope.ts';
import { Cancelled, notNeeded, type CancelCause } from '../errors.ts';
import { HeaderCollector } from '../protocol/message/header.ts';
import type { Violations } from '../protocol/smtp/data.ts';
import type { Delivery, RelayResult } from '../relay/next-hop.ts';
import type { Leave } from '../waiting-line.ts';
import { answerOf, detailOf, inSituation, isAccepted, type Answer } from './answer.ts';
import type { Attempt } from './attempt.ts';
import { conclude } from './conclude.ts';
import { describe, type RecipientNote } from './describe.ts';
import type { Door, EngineParts } from './engine.ts';
import { Intake } from './intake.ts';
import { abandoned, comesAgain, failed, refused, relayed, type Outcome } from './outcome.ts';
import { Stopwatch } from './stopwatch.ts';

/** A recipient that was named to the next hop. */
interface Named extends RecipientNote {
  /** Whether it has the message from an earlier attempt. */
  readonly hadIt: boolean;
  readonly result: Promise<RelayResult>;
}

async function isTaken({ result }: Named): Promise<boolean> {
  return isAccepted(answerOf(await result));
}

/**
 * One message, from MAIL to its outcome (RFC 5321 §3.3). It holds a place in the line, a delivery
 * at the next hop, a spool and a scan, and gives all of them back however it ends.
 *
 * The legal paths: open → recipient* → data → write* → finish; `abandon` at any time.
 */
export class Transaction {
  readonly id: string;
  readonly #door: Door;
  readonly #parts: EngineParts;
  readonly #client: Client;
  readonly #reversePath: Path;
  readonly #time: number;
  readonly #stopwatch: Stopwatch;
  readonly #cancel = new Canceller();
  readonly #recipients: Named[] = [];
  #opened: Promise<unknown> = Promise.resolve();
  #leave: Leave | undefined;
  #attempt: Attempt | undefined;
  #delivery: Delivery | undefined;
  #intake: Intake | undefined;
  #finishing = false;
  #over = false;

  constructor(door: Door, parts: EngineParts, client: Client, reversePath: Path) {
    this.id = parts.newId();
    this.#door = door;
    this.#parts = parts;
    this.#client = client;
    this.#reversePath = reversePath;
    this.#time = parts.clock.now();
    this.#stopwatch = new Stopwatch(parts.clock);
  }

  /** Whether it has come to its outcome, and holds nothing any more. */
  get over(): boolean {
    return this.#over;
  }

  /** MAIL: waits for a place, then asks the next hop. Undefined when nobody is there to hear it. */
  async open(): Promise<Answer | undefined> {
    const opening = this.#begin().catch((error: unknown) => failed(error, this.#cancel.signal));
    this.#opened = opening;
    const failure = await opening;
    if (failure) return this.#end(failure)[0];
    assert(this.#delivery, 'a transaction that began has a delivery');
    this.#stopwatch.enter('receive');
    const result = await this.#delivery.mail;
    const answer = answerOf(result);
    if (!isAccepted(answer)) this.#end(relayed([result]));
    return answer;
  }

  /** @returns why it could not begin; undefined when it has. */
  async #begin(): Promise<Outcome | undefined> {
    const { line, limits, nextHop, stopping, handovers, hostname } = this.#parts;
    this.#leave = await line.enter(this.#cancel.signal, limits.transactionWaitMs);
    if (this.#over) {
      this.#leave?.();
      return abandoned;
    }
    if (stopping.aborted) return refused('stopping');
    if (!this.#leave) return refused('busy');
    this.#attempt = handovers.nameAttempt(hostname);
    const { helloName } = this.#attempt;
    this.#delivery = nextHop.begin(
      { client: this.#client, reversePath: this.#reversePath, helloName },
      this.#cancel.signal,
    );
    return undefined;
  }

  /** RCPT: the next hop decides, in its own words. */
  async recipient(path: Path): Promise<Answer> {
    await this.#opened;
    if (!this.#delivery || this.#over) return inSituation('stopping');
    if (this.#isOneTooMany()) return inSituation('one-recipient');
    const hadIt = this.#hadIt(path);
    for (const other of this.#recipients) {
      if (other.hadIt === hadIt || !(await isTaken(other))) continue;
      return inSituation('one-recipient');
    }
    // Looked at anew: others were waited for.
    if (this.#isOver()) return inSituation('stopping');
    const result = this.#delivery.recipient(path);
    const note: Named = { path, hadIt, result };
    this.#recipients.push(note);
    note.answer = answerOf(await result);
    note.detail = detailOf([await result]);
    return note.answer;
  }

  /**
   * An LMTP next hop answers each recipient apart after the dot (RFC 2033 §4.2), and an SMTP peer
   * hears only one reply: with one recipient at a time the two are the same.
   */
  #isOneTooMany(): boolean {
    const single = this.#door.flavour === 'smtp' && this.#parts.nextHop.flavour === 'lmtp';
    return single && this.#recipients.some(({ answer }) => !answer || isAccepted(answer));
  }

  /**
   * Whether a recipient has the message already, as far as is known at RCPT. Over SMTP one reply
   * holds for all recipients, and it must not share that of another that may yet be refused.
   */
  #hadIt(path: Path): boolean {
    const { ident } = this.#client;
    const { flavour, position } = this.#door;
    if (flavour !== 'smtp' || position !== 'after-queue' || ident === undefined) return false;
    return this.#parts.handovers.hasAccepted(ident, path);
  }

  #isOver(): boolean {
    return this.#over;
  }

  /** DATA: undefined when content may come, else why not. */
  data(): Answer | undefined {
    const { scans, openSpool, limits, stopping } = this.#parts;
    if (stopping.aborted) return this.#end(refused('stopping'))[0];
    try {
      const header = new HeaderCollector(limits.headerBytesMax);
      this.#intake = new Intake(openSpool(), header, scans);
      return undefined;
    } catch (error) {
      return this.#end(failed(error, this.#cancel.signal))[0];
    }
  }

  /** The next bytes of the content; to be awaited before the next ones when it is a promise. */
  write(bytes: Buffer): Promise<void> | undefined {
    assert(this.#intake, 'content comes after DATA was accepted');
    return this.#intake.write(bytes);
  }

  /**
   * The end of data: scans to the end, decides, and does it.
   *
   * @returns one answer, or over LMTP one for each accepted recipient where they differ; none when
   *   nobody is there to hear it.
   */
  async finish(violations: Violations): Promise<readonly Answer[]> {
    assert(
      this.#intake && this.#delivery && this.#attempt,
      'the end of data comes after DATA was accepted',
    );
    this.#finishing = true;
    this.#stopwatch.enter('scan');
    const { clock, limits } = this.#parts;
    const deadline = clock.after(limits.deadlineMs, () => {
      this.#abort('deadline');
    });
    const outcome = await conclude({
      parts: this.#parts,
      door: this.#door,
      envelope: {
        client: this.#client,
        reversePath: this.#reversePath,
        recipients: this.#accepted(),
      },
      delivery: this.#delivery,
      attempt: this.#attempt,
      intake: this.#intake,
      violations,
      stopwatch: this.#stopwatch,
      signal: this.#cancel.signal,
    });
    deadline.cancel();
    return this.#end(outcome);
  }

  #accepted(): Path[] {
    return this.#recipients
      .filter(({ answer }) => answer && isAccepted(answer))
      .map(({ path }) => path);
  }

  /**
   * The peer took it back or is gone: nothing more is begun for it. Once the next hop has the final
   * dot its outcome stands, and is recorded.
   */
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
  #end(outcome: Outcome): readonly Answer[] {
    if (this.#over) return outcome.answers;
    this.#over = true;
    this.#delivery?.abort();
    this.#cancel.abort(notNeeded);
    this.#parts.observe(
      describe(outcome, {
        id: this.id,
        time: this.#time,
        listener: this.#door.listener,
        client: this.#client,
        reversePath: this.#reversePath,
        recipients: this.#recipients,
        intake: this.#intake,
        ms: this.#stopwatch.read(),
      }),
    );
    if (this.#attempt) this.#parts.handovers.forget(this.#attempt);
    this.#intake?.dispose(comesAgain(outcome));
    this.#leave?.();
    return outcome.answers;
  }
}
