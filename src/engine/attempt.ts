import type { CommitAnswer } from './commit-gate.ts';

/**
 * One try to hand a message over, while it is under way in this process. It is named in our EHLO,
 * and the next hop that asks before it commits asks about that name.
 *
 * The legal paths: named → open (the relay begins) → over; a question is answered `go` only while
 * it is open, and only for the queue file that was asked about first.
 */
export class Attempt {
  /** A DNS label. */
  readonly id: string;
  /** What the next hop is told in EHLO or LHLO. */
  readonly helloName: string;
  #state: 'named' | 'open' | 'over' = 'named';
  #queueId: string | undefined;
  #prepare: (queueId: string) => Promise<void> = () => Promise.resolve();
  #prepared: Promise<boolean> | undefined;
  #failure: unknown;
  #allowed = false;

  constructor(id: string, helloName: string) {
    this.id = id;
    this.helloName = helloName;
  }

  /** The next hop's queue id, once it has asked. */
  get queueId(): string | undefined {
    return this.#queueId;
  }

  /** Whether the next hop was told that it may commit: from then on only evidence tells. */
  get allowed(): boolean {
    return this.#allowed;
  }

  /** Why the question could not be answered `go`, if it is our fault. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Whether nobody is told `go` any more. */
  isOver(): boolean {
    return this.#state === 'over';
  }

  /** @param prepare makes durable that the next hop may commit this queue file. */
  open(prepare: (queueId: string) => Promise<void>): void {
    this.#state = 'open';
    this.#prepare = prepare;
  }

  /** From here on the next hop is told that the attempt is stale. */
  end(): void {
    this.#state = 'over';
  }

  async asked(queueId: string): Promise<CommitAnswer> {
    if (this.#state !== 'open') return 'stale';
    this.#queueId ??= queueId;
    if (this.#queueId !== queueId) return 'stale';
    this.#prepared ??= this.#makeDurable(queueId);
    const prepared = await this.#prepared;
    // It may have ended meanwhile: what was not allowed by then never is.
    if (!prepared || this.isOver()) return 'stale';
    this.#allowed = true;
    return 'go';
  }

  async #makeDurable(queueId: string): Promise<boolean> {
    try {
      await this.#prepare(queueId);
      return true;
    } catch (error) {
      this.#failure = error;
      return false;
    }
  }
}
