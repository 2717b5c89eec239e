/**
 * Whether mail may come at all just now: asked before a message is taken, so that it stays with its
 * sender instead of filling a queue that cannot be emptied.
 */
import type { Situation } from '../verdict/situation.ts';

/** What stands in the way; in the words of the reply table. */
export type Obstacle = Extract<Situation, 'store-failed' | 'scan-failed' | 'busy'>;

/** Each is asked for every request, so each answers from memory. */
export interface AdmissionSources {
  /** Whether a clamd can scan, or is about to, as far as is known. */
  readonly canScan: () => boolean;
  /** Whether spool, quarantine and ledger can take a message. */
  readonly canStore: () => boolean;
  /** Transactions that wait for a place. */
  readonly waiting: () => number;
  /** As many of them, and no more mail is asked for. */
  readonly waitingLevel: number;
}

export class Admission {
  /** Our SIZE. */
  readonly messageBytesMax: number;
  readonly #sources: AdmissionSources;

  constructor(messageBytesMax: number, sources: AdmissionSources) {
    this.messageBytesMax = messageBytesMax;
    this.#sources = sources;
  }

  /** The first that stands in the way; undefined when mail may come. */
  obstacle(): Obstacle | undefined {
    const { canStore, canScan, waiting, waitingLevel } = this.#sources;
    if (!canStore()) return 'store-failed';
    if (!canScan()) return 'scan-failed';
    return waiting() >= waitingLevel ? 'busy' : undefined;
  }
}
