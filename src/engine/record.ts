import type { Client } from '../envelope.ts';
import type { Reply } from '../protocol/smtp/reply.ts';
import type { ScannedStream } from '../scan/scanner.ts';
import type { Coverage, Finding } from '../verdict/finding.ts';
import type { Situation } from '../verdict/situation.ts';

/** What was done with a transaction. */
export type OutcomeKind =
  /** The next hop has it; at the Milter door: left to the MTA, which goes on with it. */
  | 'relayed'
  /** In our custody; at the Milter door: held by the MTA. */
  | 'quarantined'
  | 'discarded'
  | 'rejected'
  | 'deferred'
  /** A retry of what was handed over before: its answer was given again, and nothing else done. */
  | 'repeated'
  /** The peer went away, or gave the transaction up (RSET), before it was answered. */
  | 'abandoned';

/** Milliseconds by stage; 0 where a stage was not reached. */
export interface StageMs {
  /** In line at MAIL. */
  readonly wait: number;
  /** From MAIL to the final dot. */
  readonly receive: number;
  /** From the final dot to the last finding; what was scanned while it arrived costs nothing here. */
  readonly scan: number;
  /** Handing over to the next hop, or storing in quarantine. */
  readonly handover: number;
  /** From MAIL to our reply. */
  readonly total: number;
}

/** All that is known of a transaction when it is over: one log line, the metrics, the history. */
export interface TransactionRecord {
  /** Ours, unique: names the transaction in every log line about it. */
  readonly id: string;
  /** When it began; milliseconds since the epoch. */
  readonly time: number;
  /** The listener's address, as configured. */
  readonly listener: string;
  /** The queue id in the topmost Received line, else XFORWARD IDENT. */
  readonly queueId?: string;
  readonly messageId?: string;
  readonly client: Client;
  readonly sender: string;
  readonly recipients: readonly RecipientRecord[];
  readonly size: number;
  /** SHA-256 of all bytes, in hex; absent when the message did not arrive whole. */
  readonly digest?: string;
  readonly findings: readonly Finding[];
  readonly coverage: Coverage;
  readonly streams: readonly ScannedStream[];
  /** The verdict in a word: 'clean', 'infected', ... absent where it did not come to one. */
  readonly verdict?: string;
  readonly outcome: OutcomeKind;
  /** Why, in the words of the reply table: 'scan-failed', 'deadline', 'next-hop-unreachable' ... */
  readonly situation?: Situation;
  /** Detail for the log: the error behind a deferral. */
  readonly detail?: string;
  readonly quarantineId?: string;
  /** The queue id that a Postfix next hop gave in its reply ('queued as ...'). */
  readonly nextHopQueueId?: string;
  /**
   * What the peer was told at the end of data, or where the transaction ended before it. In a
   * `situation` the engine does not know the words; the daemon adds them.
   */
  readonly reply?: Reply;
  readonly ms: StageMs;
}

/** What was done for each recipient. */
export function recipientOutcomes({ recipients, outcome }: TransactionRecord): OutcomeKind[] {
  return recipients.map((one) => one.outcome ?? outcome);
}

export interface RecipientRecord {
  readonly address: string;
  /** What was done for this one, where that is not the transaction's outcome. */
  readonly outcome?: OutcomeKind;
  /** The answer to RCPT when it was refused, else over LMTP the recipient's own reply at the dot. */
  readonly reply?: Reply;
}
