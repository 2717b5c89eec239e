import type { InspectLimits } from './inspect/notes.ts';

/**
 * Every ceiling of the daemon, named, with its unit last. A ceiling is never an assertion: over it
 * the peer gets a reply of the table (docs/architecture.md), and the daemon goes on.
 */
export interface Limits {
  /** A command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512 plus what extensions add. */
  readonly commandBytesMax: number;
  /** Commands in a session; further ones get 421 and the connection closes. */
  readonly sessionCommandsMax: number;
  /** Commands that were answered 5xx because they were not understood or out of order, in a row. */
  readonly sessionErrorsMax: number;
  /** Recipients of a transaction; RFC 5321 §4.5.3.1.8 asks for at least 100. Over it: 452 4.5.3. */
  readonly recipientsMax: number;
  /** The header section of a message. Over it: 552 5.3.4. */
  readonly headerBytesMax: number;
  /** A message; announced as SIZE (RFC 1870). Over it: 552 5.3.4. */
  readonly messageBytesMax: number;
  /** Sessions that are served at once; further connections are accepted and greeted later. */
  readonly sessionsMax: number;
  /** Connections that wait for their greeting; beyond it 421, because descriptors are finite. */
  readonly sessionsWaitingMax: number;
  /** Transactions at work at once, from MAIL to the reply; further ones wait at MAIL. */
  readonly transactionsMax: number;
  /** Transactions that wait at MAIL; beyond it 451 4.3.2 at once. */
  readonly transactionsWaitingMax: number;
  /** How long a transaction waits at MAIL; below Postfix's smtp_mail_timeout (300 s). */
  readonly transactionWaitMs: number;
  /** A session in which the peer is silent while it is its turn (RFC 5321 §4.5.3.2.7). */
  readonly sessionIdleMs: number;
  /**
   * A turn of the peer, from our last word to its next command or its final dot, however steadily
   * it drips. Then 421, as for silence.
   */
  readonly sessionTurnMs: number;
  /** From the final dot to our reply; below Postfix's smtp_data_done_timeout (600 s). */
  readonly deadlineMs: number;
  /** From the final dot to the end of all scanning; below deadlineMs, above clamd's MaxScanTime. */
  readonly scanMs: number;
  /** A message up to this size stays in memory, a larger one goes to a spool file. */
  readonly spoolMemoryBytes: number;
  /** MIME parts of a message that are scanned on their own; beyond it coverage is partial. */
  readonly partsMax: number;
  /** Nesting of MIME parts and of messages in messages; beyond it coverage is partial. */
  readonly partDepthMax: number;
  /**
   * Ways to read a message that are tried (src/reading/): parts count, and so do the ways in which
   * clients differ about them. Beyond it coverage is partial.
   */
  readonly readingsMax: number;
  /**
   * How often a message may break its scan (kill clamd or us, or not come to an end); then it is set
   * apart as unscannable.
   */
  readonly brokenScansMax: number;
  /** Connecting to the next hop, and each of its replies before the final dot. */
  readonly nextHopReplyMs: number;
  /**
   * The next hop's reply to the final dot. Together with deadlineMs it stays below Postfix's
   * smtp_data_done_timeout (600 s): a later reply would find nobody to hear it.
   */
  readonly nextHopDotMs: number;
  /** After SIGTERM: how long transactions past their final dot may still take. */
  readonly drainMs: number;
}

/**
 * Those that are lower before the queue: there Postfix waits smtpd_proxy_timeout (100 s) for each
 * reply, and the sender waits for Postfix (RFC 5321 §4.5.3.2.6).
 */
export type BeforeQueueLimits = Pick<
  Limits,
  'transactionWaitMs' | 'nextHopReplyMs' | 'deadlineMs' | 'nextHopDotMs'
>;

const KiB = 1024;
const MiB = 1024 * KiB;
const seconds = 1000;

/**
 * What each stream of Node.js may hold, where it is not said. mailparser strings some six together
 * for a part; with 64 KiB (Node.js 22 and newer) they live long enough to fill the old heap.
 */
export const streamBytes = 16 * KiB;

export const defaultLimits: Limits = {
  commandBytesMax: 4 * KiB,
  sessionCommandsMax: 100_000,
  sessionErrorsMax: 20,
  recipientsMax: 1000,
  headerBytesMax: 1 * MiB,
  messageBytesMax: 100 * MiB,
  sessionsMax: 200,
  sessionsWaitingMax: 500,
  transactionsMax: 100,
  transactionsWaitingMax: 200,
  transactionWaitMs: 60 * seconds,
  sessionIdleMs: 300 * seconds,
  sessionTurnMs: 1800 * seconds,
  deadlineMs: 480 * seconds,
  scanMs: 300 * seconds,
  spoolMemoryBytes: 256 * KiB,
  partsMax: 1000,
  partDepthMax: 50,
  readingsMax: 2000,
  brokenScansMax: 3,
  nextHopReplyMs: 60 * seconds,
  nextHopDotMs: 100 * seconds,
  drainMs: 60 * seconds,
};

export const defaultBeforeQueueLimits: BeforeQueueLimits = {
  transactionWaitMs: 30 * seconds,
  nextHopReplyMs: 60 * seconds,
  deadlineMs: 60 * seconds,
  nextHopDotMs: 35 * seconds,
};

/** Of one file that is looked into; over one of them is a finding, coverage partial. */
export const defaultInspectLimits: InspectLimits = {
  entriesMax: 10_000,
  namesBytesMax: 1 * MiB,
  inflatedBytesMax: 64 * MiB,
  // 10,000 names take about half. Unpacking the whole takes some 100 ms.
  headerBytesMax: 256 * KiB,
  unpackedHeaderBytesMax: 1 * MiB,
};
