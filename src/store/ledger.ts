/**
 * What the ledger knows of a message: which recipients were handed over, by which attempt, and what
 * became of it. The words and the seam; where it is kept is sqlite-ledger.ts, and what may follow
 * on what is decided by the engine (engine/handover.ts).
 */
import type { Reply } from '../protocol/smtp/reply.ts';

export const attemptStates = [
  /**
   * The relay to a next hop that is not known to ask has begun. (To one that asks nothing is written
   * down before it does: it cannot have committed.)
   */
  'sending',
  /** The next hop asked whether it may commit, and was told that it may. */
  'prepared',
  /** Accepted by the next hop: a retry gets its reply and is not relayed. */
  'delivered',
  /** Certainly not accepted. */
  'aborted',
  /** Nobody can tell any more whether the next hop accepted it. */
  'in-doubt',
  'quarantined',
  'discarded',
] as const;

export type AttemptState = (typeof attemptStates)[number];

/** A recipient of one attempt. The pair of address and ORCPT tells two aliases of one box apart. */
export interface LedgerEntry {
  /** Ours, random: a DNS label of at most 63 characters. */
  readonly attempt: string;
  /** The queue id in the topmost Received line. */
  readonly queueId: string;
  /** SHA-256 of all bytes, in hex. */
  readonly digest: string;
  readonly recipient: string;
  /** The value of ORCPT as it came (RFC 3461 §4.2), '' without one. */
  readonly orcpt: string;
  readonly state: AttemptState;
  /** As configured. */
  readonly nextHop: string;
  /** The next hop's queue id, from its question or from its reply. */
  readonly nextQueueId?: string;
  /** What the peer was told, or is to be told at a retry; absent where the reply table has it. */
  readonly reply?: Reply;
  /** The message's name in the quarantine. */
  readonly quarantineId?: string;
  /** When the attempt began and when its state changed last; milliseconds since the epoch. */
  readonly began: number;
  readonly changed: number;
}

export type LedgerChange =
  /** New entries, in whatever state they begin with: all of an attempt. */
  | { readonly kind: 'begin'; readonly entries: readonly LedgerEntry[] }
  /** Entries of one attempt change their state; those not in one of `from` stay as they are. */
  | {
      readonly kind: 'settle';
      readonly attempt: string;
      /** Only these recipients of the attempt; all when absent. */
      readonly recipients?: readonly { readonly recipient: string; readonly orcpt: string }[];
      readonly from: readonly AttemptState[];
      readonly state: AttemptState;
      readonly nextQueueId?: string;
      readonly reply?: Reply;
      readonly changed: number;
    }
  /** What is to be remembered over a restart beside the entries. */
  | { readonly kind: 'note'; readonly name: string; readonly value: string };

/**
 * The ledger as the engine sees it. Reads give what is committed; nothing that was not is ever
 * seen again after a crash.
 */
export interface Ledger {
  /**
   * All entries of messages with this queue id, oldest first.
   *
   * @throws {OperationalError} STORE
   */
  find(queueId: string): readonly LedgerEntry[];
  /** All that are `sending`, `prepared` or `in-doubt`, oldest first. @throws as `find`. */
  unsettled(): readonly LedgerEntry[];
  /** How many scans of these bytes began and did not end. @throws as `find`. */
  brokenScans(digest: string): number;
  /**
   * A scan of these bytes (SHA-256 in hex) begins. It is remembered over the death of the process
   * from a moment later on, not over a power loss; nobody waits for it.
   */
  scanBegan(digest: string): void;
  /** It has come to an end, and is forgotten. */
  scanEnded(digest: string): void;
  /** The last note of this name. @throws as `find`. */
  note(name: string): string | undefined;
  /**
   * Resolves when the changes are durable, in the order of the calls; they are durable together or
   * not at all. Calls that come together share one fsync.
   *
   * @throws {OperationalError} STORE (as a rejection), when they are not, or nobody knows whether
   *   they are.
   */
  commit(changes: readonly LedgerChange[]): Promise<void>;
  /**
   * To become durable with the next `commit`, or soon after if none comes; not waited for. Only for
   * what may be lost in a crash, such as notes.
   */
  defer(changes: readonly LedgerChange[]): void;
}
