/** What a ServerSession is set up with, and what it tells the side that drives it. */

import type { Client, Path } from '../../envelope.ts';
import type { Limits } from '../../limits.ts';
import type { DataOptions, Violations } from './data.ts';

export interface ServerSessionOptions {
  readonly flavour: 'smtp' | 'lmtp';
  /** Our name in the greeting and in the reply to EHLO. */
  readonly hostname: string;
  readonly limits: Pick<
    Limits,
    | 'commandBytesMax'
    | 'sessionCommandsMax'
    | 'sessionErrorsMax'
    | 'recipientsMax'
    | 'messageBytesMax'
  >;
  /** Whether this peer may send XFORWARD; it is not announced to others. */
  readonly xforwardAllowed: boolean;
  readonly bareCr: DataOptions['bareCr'];
}

export type ServerEvent =
  /** Answered with a reply; a positive one opens the transaction. */
  | { readonly type: 'mail'; readonly client: Client; readonly path: Path }
  /** Answered with a reply, also when MAIL was refused meanwhile: the peer then gets 503. */
  | { readonly type: 'rcpt'; readonly path: Path }
  /** Answered with nothing (354, content follows) or a negative reply, which ends the transaction. */
  | { readonly type: 'data' }
  /** Not answered. Nothing more of it comes once the message is refused for a violation. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /**
   * Answered with a final reply, over LMTP with one for each accepted recipient, in order; a single
   * one stands for all of them.
   */
  | { readonly type: 'end-of-data'; readonly violations: Violations }
  /** An open transaction was given up before its end of data. Not answered. */
  | { readonly type: 'reset' }
  /** Nothing follows: write the output, then close. */
  | { readonly type: 'close' };
