/** The ceilings of `clamgate update`, named, with their unit last. What an operator sets is [update]. */
export interface UpdateLimits {
  /** Between two looks at something that is waited for. */
  readonly pollMs: number;
  /** A clamd that is expected to answer. */
  readonly answerMs: number;
  /**
   * A clamd that is waited for while it loads, at first and at most: the longer it takes the more
   * patiently it is asked, because a question that is given up stays in its line of connections,
   * which mail needs (15 on Debian).
   */
  readonly loadingAnswerMsMin: number;
  readonly loadingAnswerMsMax: number;
  /** How long the daemon keeps an endpoint drained without hearing from us again. */
  readonly leaseMs: number;
  /** Between two renewals of that. */
  readonly renewMs: number;
  /** How long the daemon may take to find an endpoint ready that it was given back. */
  readonly acceptedMs: number;
  /** From RELOAD until a clamd that blocks while it loads has surely begun to. */
  readonly settleMs: number;
  /** How long a reload of which nothing can be seen is waited for, at least. */
  readonly unseenMs: number;
  /** How long the process of a clamd may be gone before nobody is expected to start another. */
  readonly goneMs: number;
  /** For a canary, the scan included. */
  readonly canaryMs: number;
  /** From SIGTERM to SIGKILL of a program that we started. */
  readonly endMs: number;
  /** Kept of what a program says; the end of it. */
  readonly outputBytesMax: number;
  /** A clamd.conf, or freshclam.conf; more is not one. */
  readonly confBytesMax: number;
  /** Read at once of what a clamd has added to its log. */
  readonly logBytesMax: number;
  /** All databases that are delivered, together. */
  readonly deliveredBytesMax: number;
  /** The largest processes that are listed where memory is short. */
  readonly listedProcesses: number;
}

const second = 1000;
const KiB = 1024;

export const updateLimits: UpdateLimits = {
  pollMs: second,
  answerMs: 5 * second,
  loadingAnswerMsMin: 2 * second,
  loadingAnswerMsMax: 30 * second,
  leaseMs: 120 * second,
  renewMs: 20 * second,
  acceptedMs: 120 * second,
  settleMs: second,
  unseenMs: 60 * second,
  goneMs: 30 * second,
  canaryMs: 60 * second,
  endMs: 10 * second,
  outputBytesMax: 64 * KiB,
  confBytesMax: 256 * KiB,
  logBytesMax: 256 * KiB,
  deliveredBytesMax: 8 * 2 ** 30,
  listedProcesses: 5,
};
