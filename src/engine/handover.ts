/**
 * One message on its way into the next hop, as the ledger sees it: what is written down before and
 * after each step that could be the last one, and what a lost reply means.
 */
import { assert } from '../assert.ts';
import type { Path } from '../envelope.ts';
import { messageOf } from '../errors.ts';
import { isPositive } from '../protocol/smtp/reply.ts';
import type { QueueFate } from '../relay/evidence.ts';
import type { RelayResult } from '../relay/next-hop.ts';
import type { AttemptState, LedgerChange, LedgerEntry } from '../store/ledger.ts';
import { type Answer, answerOf, inSituation } from './answer.ts';
import type { AskingNextHops } from './asking-next-hops.ts';
import type { Attempt } from './attempt.ts';
import { acceptedAs, type EarlierParts } from './earlier-attempts.ts';
import { type MessageKey, type RecipientKey, recipientKey } from './message-key.ts';
import { rememberedReply } from './remembered-reply.ts';

export interface KnownMessage {
  /** Undefined where a retry could not be told from a new message: nothing is remembered. */
  readonly message: MessageKey | undefined;
  readonly nextHop: string;
  readonly recipients: readonly Path[];
  /** What earlier attempts came to, for each recipient. */
  readonly answers: readonly (Answer | undefined)[];
}

export interface HandoverParts extends EarlierParts {
  readonly asking: AskingNextHops;
  /** Whether next hops are told to ask, as far as our own configuration goes. */
  readonly isToldToAsk: boolean;
}

/** How often and how long the queue is looked at for what became of a message. */
const fateWaits = [100, 200, 400, 800, 1600, 3200];

export class Handover {
  /** What earlier attempts came to, for each recipient in order. */
  readonly earlier: readonly (Answer | undefined)[];
  /** Who is still to be sent to. */
  readonly due: readonly Path[];
  readonly #known: KnownMessage;
  readonly #parts: HandoverParts;
  readonly #release: () => void;
  #attempt: Attempt | undefined;
  #asks = false;
  /** Whether there are entries of this attempt, or may be. */
  #written = false;

  constructor(known: KnownMessage, parts: HandoverParts, release: () => void) {
    this.#known = known;
    this.#parts = parts;
    this.#release = release;
    this.earlier = known.answers;
    this.due = known.recipients.filter((_, index) => known.answers[index] === undefined);
  }

  /**
   * The same for some of those who are due, who come to another end than the rest. What becomes of
   * them is written down by itself; the claim stays with the whole.
   */
  only(recipients: readonly Path[]): Handover {
    const answers = recipients.map(() => undefined);
    return new Handover({ ...this.#known, recipients, answers }, this.#parts, () => undefined);
  }

  /** Gives the claim back. Safe to call again. */
  release(): void {
    this.#release();
  }

  /**
   * The relay begins. A next hop that asks before it commits cannot have the message before
   * `prepared` is durable, so there is nothing to write down until it asks.
   *
   * @throws {OperationalError} STORE
   */
  async begin(attempt: Attempt): Promise<void> {
    this.#attempt = attempt;
    this.#asks = this.#parts.asking.asks(this.#known.nextHop);
    attempt.open((queueId) => this.#prepare(queueId));
    if (this.#asks) return;
    await this.#commitNew('sending').catch((error: unknown) => {
      // It may have become durable all the same, and nothing is sent.
      if (this.#known.message) this.#parts.ledger.defer([this.#settleAll('aborted')]);
      throw error;
    });
  }

  /**
   * What the next hop made of it, one result for all or one for each who was due. The answers are
   * what may be said to the peer: what is accepted is durable here by then.
   */
  async settle(results: readonly RelayResult[]): Promise<readonly Answer[]> {
    const attempt = this.#begun();
    attempt.end();
    // Before anything is written: whoever comes next must know by what this one showed.
    this.#learn(results);
    const lost = results.some(({ kind }) => kind === 'unknown');
    const found = lost ? await this.#lostReply() : undefined;
    const answers = results.map((result) => {
      if (result.kind === 'unknown' && found) return found.answer;
      return this.#failureOf(result) ?? answerOf(result);
    });
    const written = await this.#write(results, answers, found?.state);
    // What the ledger does not know for certain, only the evidence can tell a retry.
    const certain = found === undefined || found.state === 'delivered' || found.state === 'aborted';
    const mayBeAsked = this.#known.message !== undefined && !(written && certain);
    if (attempt.queueId !== undefined && !mayBeAsked) {
      this.#parts.evidence.release(attempt.queueId);
    }
    return answers;
  }

  /**
   * It ends here, in custody or dropped by rule. A ledger that cannot take that down takes nothing
   * back: at worst a retry ends here once more.
   */
  async end(attempt: Attempt, state: 'quarantined' | 'discarded', name?: string): Promise<void> {
    this.#attempt = attempt;
    const more = name === undefined ? {} : { quarantineId: name };
    await this.#commitNew(state, more).catch(this.#notWritten);
  }

  async #prepare(queueId: string): Promise<void> {
    const { ledger, evidence, clock, tell } = this.#parts;
    const held = await evidence.hold(queueId);
    const attempt = this.#begun();
    // It was settled meanwhile; an entry that comes after that would never be.
    if (attempt.isOver()) {
      evidence.release(queueId);
      return;
    }
    if (!held) tell({ kind: 'no-witness', nextQueueId: queueId });
    if (!this.#written) return this.#commitNew('prepared', { nextQueueId: queueId });
    const from = ['sending'] as const;
    const change = { kind: 'settle', attempt: attempt.id, from, state: 'prepared' } as const;
    await ledger.commit([{ ...change, nextQueueId: queueId, changed: clock.now() }]);
  }

  #learn(results: readonly RelayResult[]): void {
    const { asking, isToldToAsk, tell } = this.#parts;
    const { nextHop } = this.#known;
    const asked = this.#begun().queueId !== undefined;
    const accepted = results.some((one) => one.kind === 'reply' && isPositive(one.reply));
    if (!asked && !accepted) return;
    if (asking.learn(nextHop, asked) && !asked && isToldToAsk) tell({ kind: 'not-asked', nextHop });
  }

  /** The next hop refused because we could not write down that it may accept: our fault. */
  #failureOf(result: RelayResult): Answer | undefined {
    const refused = result.kind === 'reply' && !isPositive(result.reply);
    return refused && this.#begun().failure !== undefined ? inSituation('store-failed') : undefined;
  }

  /** The final dot went out and no reply came back. */
  async #lostReply(): Promise<{ state: AttemptState; answer: Answer }> {
    const attempt = this.#begun();
    const aborted = { state: 'aborted', answer: inSituation('next-hop-unreachable') } as const;
    if (!attempt.allowed) {
      // It asks, and was not told that it may, and never will be.
      return this.#asks || attempt.queueId !== undefined ? aborted : this.#inDoubt();
    }
    assert(attempt.queueId !== undefined, 'who was allowed has asked');
    switch (await this.#fate(attempt.queueId)) {
      case 'committed': {
        const reply = acceptedAs(attempt.queueId);
        return { state: 'delivered', answer: { kind: 'next-hop', reply } };
      }
      case 'not-committed':
        return aborted;
      case 'undecided':
        return { state: 'prepared', answer: inSituation('earlier-unknown') };
      case 'unknown':
        return this.#inDoubt();
    }
  }

  async #fate(queueId: string): Promise<QueueFate> {
    const { evidence, clock } = this.#parts;
    for (const ms of fateWaits) {
      const fate = await evidence.fate(queueId);
      if (fate !== 'undecided') return fate;
      await new Promise<void>((resolve) => clock.after(ms, resolve));
    }
    return evidence.fate(queueId);
  }

  #inDoubt(): { state: AttemptState; answer: Answer } {
    const { inDoubt: rule, tell } = this.#parts;
    const { id, queueId: nextQueueId } = this.#begun();
    const queueId = this.#known.message?.queueId ?? '';
    tell({ kind: 'in-doubt', attempt: id, queueId, nextQueueId, rule });
    const situation = rule === 'hold' ? 'earlier-unknown' : 'next-hop-unreachable';
    return { state: 'in-doubt', answer: inSituation(situation) };
  }

  /**
   * A failure here takes nothing back: the next hop has the message, and that is the truth.
   *
   * @returns whether the ledger tells it, too.
   */
  async #write(
    results: readonly RelayResult[],
    answers: readonly Answer[],
    lostState: AttemptState | undefined,
  ): Promise<boolean> {
    const { ledger } = this.#parts;
    if (!this.#known.message) return true;
    const changes = results.flatMap((result, index): Settlement[] => {
      const state = stateOf(result, lostState);
      const answer = answers[index];
      if (state === 'prepared' || answer === undefined) return [];
      return [this.#settlement(state, answer, results.length > 1 ? index : undefined)];
    });
    try {
      if (this.#written) await ledger.commit(changes);
      else if (changes.some(({ state }) => state !== 'aborted')) {
        // A next hop that was known to ask, and did not: its entries begin here.
        await ledger.commit([...this.#entries('sending'), ...changes]);
      }
      return true;
    } catch (error) {
      return this.#notWritten(error);
    }
  }

  readonly #notWritten = (error: unknown): false => {
    const { tell } = this.#parts;
    tell({ kind: 'ledger-failed', attempt: this.#begun().id, detail: messageOf(error) });
    return false;
  };

  #settlement(state: AttemptState, answer: Answer, index: number | undefined): Settlement {
    const path = index === undefined ? undefined : this.due[index];
    const said = state === 'delivered' && answer.kind === 'next-hop' ? answer.reply : undefined;
    return {
      ...this.#settleAll(state),
      ...(path && { recipients: [recipientKey(path)] }),
      ...(said && { reply: rememberedReply(said, this.due.length) }),
    };
  }

  #settleAll(state: AttemptState): Settlement {
    const from = ['sending', 'prepared'] as const;
    const changed = this.#parts.clock.now();
    return { kind: 'settle', attempt: this.#begun().id, from, state, changed };
  }

  async #commitNew(state: AttemptState, more: Partial<LedgerEntry> = {}): Promise<void> {
    // Also where it fails: then nobody knows.
    this.#written = true;
    if (this.#known.message) await this.#parts.ledger.commit(this.#entries(state, more));
  }

  #entries(state: AttemptState, more: Partial<LedgerEntry> = {}): LedgerChange[] {
    const { message, nextHop } = this.#known;
    if (!message) return [];
    const now = this.#parts.clock.now();
    const entries = distinct(this.due).map((to): LedgerEntry => ({
      attempt: this.#begun().id,
      ...message,
      ...to,
      state,
      nextHop,
      began: now,
      changed: now,
      ...more,
    }));
    return [{ kind: 'begin', entries }];
  }

  #begun(): Attempt {
    assert(this.#attempt, 'a handover has begun');
    return this.#attempt;
  }
}

/** A peer may name a recipient twice; what becomes of one becomes of the other. */
function distinct(paths: readonly Path[]): RecipientKey[] {
  const keys = paths.map(recipientKey);
  const first = ({ recipient, orcpt }: RecipientKey): number =>
    keys.findIndex((key) => key.recipient === recipient && key.orcpt === orcpt);
  return keys.filter((key, index) => first(key) === index);
}

type Settlement = Extract<LedgerChange, { kind: 'settle' }>;

function stateOf(result: RelayResult, lostState: AttemptState | undefined): AttemptState {
  if (result.kind === 'unknown') return lostState ?? 'in-doubt';
  return result.kind === 'reply' && isPositive(result.reply) ? 'delivered' : 'aborted';
}
