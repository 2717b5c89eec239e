/** What a MilterSession is set up with, and what it tells the side that drives it. */
import type { Client, Path } from '../../envelope.ts';

/** A session beyond the first or the second of these is ended as nonsense. */
export interface MilterLimits {
  /** A frame; a header field is one, so it is above any header section that is taken. */
  readonly frameBytesMax: number;
  /** Names and values of all macros that hold at a time. */
  readonly macroBytesMax: number;
  /** MAIL and RCPT of a message, with what it takes to keep them; beyond it recipients are not told any more, and the end says so. */
  readonly envelopeBytesMax: number;
  /**
   * Fields of a message that the MTA is asked to take away. Postfix looks for each of them from the
   * top of its queue file: 5000 took it 6 s, and four times as long for twice as many.
   */
  readonly deletionsMax: number;
}

const MiB = 1024 * 1024;

export const defaultMilterLimits: MilterLimits = {
  frameBytesMax: 2 * MiB,
  macroBytesMax: 64 * 1024,
  envelopeBytesMax: 4 * MiB,
  deletionsMax: 100,
};

export type MilterEvent =
  /** Answered: with `continue`, and a message is open, or with a refusal. */
  | { readonly type: 'mail'; readonly client: Client; readonly path: Path }
  | { readonly type: 'recipient'; readonly path: Path }
  /** A field of the header section; `line` is content, too. */
  | { readonly type: 'header'; readonly name: string; readonly line: Buffer }
  /** The empty line behind the header section, and what follows it. */
  | { readonly type: 'content'; readonly bytes: Buffer }
  /**
   * Answered: with modifications and a verdict. `queueId` is the MTA's, where it told;
   * `tooManyRecipients`: not all of them were told.
   */
  | {
      readonly type: 'end-of-message';
      readonly queueId: string | undefined;
      readonly tooManyRecipients: boolean;
    }
  /** The message was given up before its end. */
  | { readonly type: 'abort' }
  /** What came is no Milter protocol: it gets no answer, and `close` follows. For the log. */
  | { readonly type: 'protocol-error'; readonly detail: string }
  /** Nothing follows: write the output, then close. */
  | { readonly type: 'close' };
