/**
 * The table of answers to the commit question, in the words of access(5); what render.ts is to SMTP.
 * The next hop repeats a 451 to us as its reply to the final dot, so nobody else reads them.
 */
import type { CommitAnswer } from '../engine/commit-gate.ts';

export type CommitSituation =
  | CommitAnswer
  /** Asked at another state than END-OF-MESSAGE: the entry of master.cf is not as it should be. */
  | 'not-asked'
  /** The gate failed. */
  | 'failed'
  /** The gate took too long. */
  | 'late';

/** DUNNO leaves it to the restrictions that follow: OK would pass over them. */
export const commitActions: Readonly<Record<CommitSituation, string>> = {
  go: 'DUNNO',
  'not-ours': 'DUNNO',
  'not-asked': 'DUNNO',
  stale: '451 4.3.0 Stale attempt, not accepted',
  failed: '451 4.3.0 Internal error, try again later',
  late: '451 4.3.0 Not decided in time, try again later',
};
