/** How many may be at work at once, and how long others wait for it. */
import type { WaitingLineLimits } from '../waiting-line.ts';
import type { Config } from './config.ts';

/** A greeting may wait this long: below Postfix's smtp_helo_timeout (300 s). */
const greetingWaitMs = 240_000;

/** In front of all transactions. */
export function lineLimits({ limits }: Config): WaitingLineLimits {
  return {
    places: limits.transactionsMax,
    waiting: limits.transactionsWaitingMax,
    waitMs: limits.transactionWaitMs,
  };
}

/** In front of all sessions. */
export function sessionLimits({ limits }: Config): WaitingLineLimits {
  return {
    places: limits.sessionsMax,
    waiting: limits.sessionsWaitingMax,
    waitMs: greetingWaitMs,
  };
}
