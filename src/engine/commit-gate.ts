/**
 * The question that the next hop asks before it commits a message (the re-injection smtpd, at
 * END-OF-MESSAGE). The seam between the door that hears it (listener/commit.ts) and who knows the
 * attempts (handover.ts).
 */
export interface CommitQuestion {
  /** What we said in EHLO when we handed the message over: the attempt's label and our suffix. */
  readonly heloName: string;
  /** The next hop's queue id. */
  readonly queueId: string;
  /** Postfix's name for this delivery of one message: the same when it asks again. */
  readonly instance: string;
}

export type CommitAnswer =
  /** The attempt is alive, and this is durable now. */
  | 'go'
  /** It was ours, and may not be accepted any more. */
  | 'stale'
  /** Somebody else uses the next hop. */
  | 'not-ours';

export interface CommitGate {
  /** May reject: then the next hop is told not to commit. */
  asked(question: CommitQuestion): Promise<CommitAnswer>;
}
