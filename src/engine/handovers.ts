/**
 * Never twice: who may hand which message to a next hop. It claims a message's recipients for one
 * transaction at a time, recalls what earlier attempts came to, and answers the commit question for
 * those under way. The states are those of store/ledger.ts.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Path } from '../envelope.ts';
import { AskingNextHops } from './asking-next-hops.ts';
import { Attempt } from './attempt.ts';
import { Claims } from './claims.ts';
import type { CommitAnswer, CommitGate, CommitQuestion } from './commit-gate.ts';
import { EarlierAttempts, type EarlierParts, isAcceptedEntry } from './earlier-attempts.ts';
import { type HandSettled, type HandSettlement, settleByHand } from './hand-settlement.ts';
import { Handover, type HandoverParts } from './handover.ts';
import { handoverKey, type MessageKey, recipientKey } from './message-key.ts';

export interface HandoversOptions extends EarlierParts {
  /** What follows the attempt's label in EHLO; undefined where no next hop is told to ask. */
  readonly suffix: string | undefined;
  /** Names an attempt: unique for ever, not to be guessed, a DNS label. */
  readonly newAttempt: () => string;
}

export class Handovers implements CommitGate {
  readonly #options: HandoversOptions;
  readonly #claims = new Claims();
  readonly #attempts = new Map<string, Attempt>();
  readonly #earlier: EarlierAttempts;
  readonly #parts: HandoverParts;

  constructor(options: HandoversOptions) {
    this.#options = options;
    this.#earlier = new EarlierAttempts(options);
    const asking = new AskingNextHops(options.ledger);
    this.#parts = { ...options, asking, isToldToAsk: options.suffix !== undefined };
  }

  /** Attempts that have a name, and handovers that are claimed. */
  get load(): { readonly attempts: number; readonly claims: number } {
    return { attempts: this.#attempts.size, claims: this.#claims.size };
  }

  /**
   * A name for the next hop's EHLO. To be given back with `forget`.
   *
   * @param hostname for EHLO where no next hop asks.
   */
  nameAttempt(hostname: string): Attempt {
    const { newAttempt, suffix } = this.#options;
    const id = newAttempt();
    const attempt = new Attempt(id, suffix === undefined ? hostname : `${id}.${suffix}`);
    this.#attempts.set(id, attempt);
    return attempt;
  }

  /** The attempt is over: whoever asks about it from now on is told so. */
  forget(attempt: Attempt): void {
    attempt.end();
    this.#attempts.delete(attempt.id);
  }

  async asked({ heloName, queueId }: CommitQuestion): Promise<CommitAnswer> {
    const end = `.${this.#options.suffix ?? ''}`;
    if (end === '.' || !heloName.toLowerCase().endsWith(end.toLowerCase())) return 'not-ours';
    const attempt = this.#attempts.get(heloName.slice(0, -end.length));
    return attempt ? attempt.asked(queueId) : 'stale';
  }

  /**
   * Claims a message for one transaction. Without a key nothing is known or remembered of it.
   *
   * @throws {Cancelled} when `signal` is aborted while another transaction is at work on it.
   * @throws {OperationalError} STORE
   */
  async claim(
    message: MessageKey | undefined,
    recipients: readonly Path[],
    nextHop: string,
    signal: CancelSignal,
  ): Promise<Handover> {
    const tos = recipients.map(recipientKey);
    const keys = message ? tos.map((to) => handoverKey(message, to)) : [];
    const release = await this.#claims.take(keys, signal);
    try {
      const answers = message
        ? await this.#earlier.answers(message, tos)
        : tos.map(() => undefined);
      const known = { message, nextHop, recipients, answers };
      return new Handover(known, this.#parts, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Whether a recipient of this queue file was accepted before; of which bytes is not asked. Where
   * the ledger cannot be read nothing is known: the claim will tell.
   */
  hasAccepted(queueId: string, path: Path): boolean {
    const { recipient, orcpt } = recipientKey(path);
    try {
      const entries = this.#options.ledger.find(queueId);
      const own = entries.filter((one) => one.recipient === recipient && one.orcpt === orcpt);
      return own.some(isAcceptedEntry);
    } catch {
      return false;
    }
  }

  /**
   * At the start: settles what the process before this one left open, where there is evidence.
   * What it cannot settle is settled when the message comes again.
   *
   * @throws {OperationalError} STORE
   */
  async recover(): Promise<void> {
    const attempts = new Set<string>();
    for (const entry of this.#options.ledger.unsettled()) {
      if (attempts.has(entry.attempt) || this.#attempts.has(entry.attempt)) continue;
      attempts.add(entry.attempt);
      await this.#earlier.answer(entry);
    }
  }

  /** Whether the attempt is at work in this process. */
  isLive(attempt: string): boolean {
    return this.#attempts.has(attempt);
  }

  /**
   * Settles what an operator knows of; nothing of what is at work.
   *
   * @throws {OperationalError} STORE
   */
  async settle(order: HandSettlement): Promise<HandSettled> {
    if (this.isLive(order.attempt)) return { kind: 'at-work' };
    const settled = await settleByHand(order, { ...this.#options, claims: this.#claims });
    if (settled.kind !== 'settled') return settled;
    const { attempt, state } = order;
    const queueId = settled.entries[0]?.queueId ?? '';
    const recipients = settled.entries.map(({ recipient }) => recipient);
    this.#options.tell({ kind: 'settled-by-hand', attempt, queueId, recipients, state });
    return settled;
  }
}
