import type { Clock } from '../clock.ts';
import { reply, type Reply } from '../protocol/smtp/reply.ts';
import type { QueueEvidence } from '../relay/evidence.ts';
import type { AttemptState, Ledger, LedgerEntry } from '../store/ledger.ts';
import { type Answer, inSituation } from './answer.ts';
import { handoverKey, type MessageKey, type RecipientKey } from './message-key.ts';

/** What is done about a message of which nobody can tell whether it was accepted. */
export type InDoubt =
  /** It is sent again: never lost, perhaps twice. */
  | 'retry'
  /** It stays with the peer until the operator settles it (`clamgate ledger settle`). */
  | 'hold';

/** What an operator should hear of. */
export type HandoverEvent =
  | {
      readonly kind: 'in-doubt';
      readonly attempt: string;
      readonly queueId: string;
      readonly nextQueueId?: string | undefined;
      readonly rule: InDoubt;
    }
  /** An attempt whose end we did not see is settled: by evidence, or because it was never asked. */
  | {
      readonly kind: 'recovered';
      readonly attempt: string;
      readonly queueId: string;
      readonly state: AttemptState;
    }
  /** An operator has said what became of it. */
  | {
      readonly kind: 'settled-by-hand';
      readonly attempt: string;
      readonly queueId: string;
      readonly recipients: readonly string[];
      readonly state: AttemptState;
    }
  /** The next hop accepted a message without the question it is configured to ask. */
  | { readonly kind: 'not-asked'; readonly nextHop: string }
  /** No witness holds the queue file: after a crash there may be no evidence. */
  | { readonly kind: 'no-witness'; readonly nextQueueId: string }
  /** A message is with the next hop, in custody or dropped, and the ledger could not take it down. */
  | { readonly kind: 'ledger-failed'; readonly attempt: string; readonly detail: string };

export interface EarlierParts {
  readonly ledger: Ledger;
  readonly evidence: QueueEvidence;
  readonly clock: Clock;
  readonly inDoubt: InDoubt;
  readonly tell: (event: HandoverEvent) => void;
}

/** What a Postfix says when it accepts a message, for one whose word did not reach us. */
export function acceptedAs(queueId: string): Reply {
  return reply(250, '2.0.0', `Ok: queued as ${queueId}`);
}

const openStates: readonly AttemptState[] = ['sending', 'prepared', 'in-doubt'];

function isOpen({ state }: LedgerEntry): boolean {
  return openStates.includes(state);
}

/**
 * Which of the entries of one message and recipient, oldest first, a retry is answered by: one that
 * was accepted; else all whose end nobody knows, for each of them may have been, even if a later
 * attempt failed before that was known; else the latest.
 */
export function decidingEntries(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const accepted = entries.findLast(isAcceptedEntry);
  if (accepted) return [accepted];
  const open = entries.filter(isOpen);
  return open.length > 0 ? open : entries.slice(-1);
}

const accepted: readonly AttemptState[] = ['delivered', 'quarantined', 'discarded'];

export function isAcceptedEntry({ state }: LedgerEntry): boolean {
  return accepted.includes(state);
}

/** What the attempts that are over, in this process or before it, mean for a retry. */
export class EarlierAttempts {
  readonly #parts: EarlierParts;

  constructor(parts: EarlierParts) {
    this.#parts = parts;
  }

  /**
   * @returns for each recipient the answer that holds, or undefined where it is still to be sent.
   * @throws {OperationalError} STORE
   */
  async answers(
    message: MessageKey,
    recipients: readonly RecipientKey[],
  ): Promise<readonly (Answer | undefined)[]> {
    const own = new Map<string, LedgerEntry[]>();
    for (const entry of this.#parts.ledger.find(message.queueId)) {
      const key = handoverKey(entry, entry);
      own.set(key, [...(own.get(key) ?? []), entry]);
    }
    // What is not settled yet is found out once for all recipients of an attempt.
    const found = new Map<string, Promise<Answer | undefined>>();
    return Promise.all(
      recipients.map(async (recipient) => {
        const entries = decidingEntries(own.get(handoverKey(message, recipient)) ?? []);
        const answers = entries.map((entry) => {
          if (!isOpen(entry)) return this.answer(entry);
          const answer = found.get(entry.attempt) ?? this.answer(entry);
          found.set(entry.attempt, answer);
          return answer;
        });
        return together(await Promise.all(answers));
      }),
    );
  }

  #entries(message: MessageKey, to: RecipientKey): readonly LedgerEntry[] {
    return this.#parts.ledger
      .find(message.queueId)
      .filter(({ digest }) => digest === message.digest)
      .filter(({ recipient, orcpt }) => recipient === to.recipient && orcpt === to.orcpt);
  }

  /** @throws {OperationalError} STORE */
  async answer(entry: LedgerEntry): Promise<Answer | undefined> {
    switch (entry.state) {
      case 'delivered':
        return { kind: 'next-hop', reply: entry.reply ?? acceptedAs(entry.nextQueueId ?? '?') };
      case 'quarantined':
      case 'discarded':
        return inSituation('taken');
      case 'aborted':
        return undefined;
      case 'sending':
        return this.#inDoubt(entry);
      case 'prepared':
      case 'in-doubt':
        return this.#byEvidence(entry);
    }
  }

  async #byEvidence(entry: LedgerEntry): Promise<Answer | undefined> {
    const { nextQueueId } = entry;
    if (nextQueueId === undefined) return this.#inDoubt(entry);
    switch (await this.#parts.evidence.fate(nextQueueId)) {
      case 'committed':
        return this.#settle(entry, 'delivered', acceptedAs(nextQueueId));
      case 'not-committed':
        return this.#settle(entry, 'aborted');
      case 'undecided':
        return inSituation('earlier-unknown');
      case 'unknown':
        return this.#inDoubt(entry);
    }
  }

  async #inDoubt(entry: LedgerEntry): Promise<Answer | undefined> {
    const { inDoubt: rule, tell } = this.#parts;
    const { attempt, queueId, nextQueueId } = entry;
    if (entry.state !== 'in-doubt') await this.#write(entry, 'in-doubt');
    // `recover` and a retry may be at the same entry: who settled it has released its evidence.
    const latest = this.#entries(entry, entry).find((one) => one.attempt === attempt);
    if (latest && isSettled(latest)) return this.answer(latest);
    if (entry.state !== 'in-doubt') {
      tell({ kind: 'in-doubt', attempt, queueId, nextQueueId, rule });
    }
    return rule === 'hold' ? inSituation('earlier-unknown') : undefined;
  }

  async #settle(
    entry: LedgerEntry,
    state: AttemptState,
    said?: Reply,
  ): Promise<Answer | undefined> {
    const { attempt, queueId, nextQueueId } = entry;
    await this.#write(entry, state, said);
    if (nextQueueId !== undefined) this.#parts.evidence.release(nextQueueId);
    this.#parts.tell({ kind: 'recovered', attempt, queueId, state });
    return said && { kind: 'next-hop', reply: said };
  }

  #write({ attempt }: LedgerEntry, state: AttemptState, said?: Reply): Promise<void> {
    const { ledger, clock } = this.#parts;
    const to = { attempt, from: openStates, state, changed: clock.now() };
    const change = { kind: 'settle', ...to } as const;
    return ledger.commit([said ? { ...change, reply: said } : change]);
  }
}

/** That it was accepted outweighs that another attempt is not known of. */
function together(answers: readonly (Answer | undefined)[]): Answer | undefined {
  return answers.find((answer) => answer?.kind === 'next-hop') ?? answers.find(Boolean);
}

function isSettled({ state }: LedgerEntry): boolean {
  return state === 'delivered' || state === 'aborted';
}
