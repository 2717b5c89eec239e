import type { CancelSignal } from './cancel-signal.ts';

/**
 * What can go wrong in the world around us, as a closed list. What a peer does wrong and what a
 * scanner or next hop answers are values, not errors; an impossible state is an assertion
 * (assert.ts). An error that is not on this list is treated as temporary.
 */
export type ErrorCode =
  /** A spool or quarantine file could not be written, synced or read: disk full, no rights. */
  | 'STORE'
  /** The next hop could not be reached, or the connection to it broke. */
  | 'NEXT_HOP'
  /** clamd could not be reached, or its connection broke. */
  | 'CLAMD'
  /** The configuration cannot be used. */
  | 'CONFIG';

export class OperationalError extends Error {
  override readonly name = 'OperationalError';
  readonly code: ErrorCode;

  /** @param message for the log, with all detail; a peer never reads it. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why a step was called off. It is the `reason` of the signal that every step is given. */
export type CancelCause =
  /** The transaction's deadline passed. */
  | 'deadline'
  /** The peer closed or reset its connection, or said RSET or QUIT. */
  | 'peer-gone'
  /** The daemon is stopping and its drain time is over. */
  | 'shutdown'
  /** The step's result is no longer needed. */
  | 'not-needed';

export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  readonly why: CancelCause;

  constructor(why: CancelCause) {
    super(`cancelled: ${why}`);
    this.why = why;
  }
}

/** What every transaction ends with: made once, because a stack would cost more than it tells. */
export const notNeeded = new Cancelled('not-needed');
/** What every connection ends with. */
export const peerGone = new Cancelled('peer-gone');

/** Why `signal` was aborted; an abort that is not ours counts as `not-needed`. */
export function cancelCause(signal: CancelSignal): CancelCause {
  return signal.reason instanceof Cancelled ? signal.reason.why : 'not-needed';
}

/** The message of anything thrown, for a log line. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
