/**
 * What became of a message in the next hop's own queue, where the next hop is a Postfix on this
 * machine: the answer when its reply is lost. The seam; witness-client.ts asks the program that
 * can read the queue.
 */

export type QueueFate =
  /** The queue file was complete once: it is delivered, or will be. */
  | 'committed'
  /** It was removed before it was complete, or never will be. */
  | 'not-committed'
  /** Still being written: ask again later. */
  | 'undecided'
  /** No evidence is left, nobody is there to give it, or the file stays incomplete for too long. */
  | 'unknown';

export interface QueueEvidence {
  /**
   * To be called while the next hop waits for our word, so that the file is still there: keeps
   * hold of it. @returns whether it could be held. Never rejects; takes no longer than a second.
   */
  hold(queueId: string): Promise<boolean>;
  /** Never rejects; takes no longer than a few seconds. */
  fate(queueId: string): Promise<QueueFate>;
  /** The message is settled: its evidence is no longer needed. */
  release(queueId: string): void;
}

/** Where nobody can look into the next hop's queue. */
export const noEvidence: QueueEvidence = {
  hold: () => Promise.resolve(false),
  fate: () => Promise.resolve('unknown'),
  release: () => undefined,
};
