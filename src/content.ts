import type { CancelSignal } from './cancel-signal.ts';

/**
 * The bytes of one message, as they are read by whoever needs them (scanners, relay, quarantine)
 * while they may still be arriving. Readers go at their own pace and never slow the writer down:
 * a reader that lags reads from the spool.
 *
 * The bytes are the message as the sender meant it: dot-stuffing removed, the CRLF before the
 * final dot included, the dot itself not.
 */
export interface Content {
  /** Bytes so far; final once `complete`. */
  readonly size: number;
  /** Whether the end of data has arrived. */
  readonly complete: boolean;
  /** SHA-256 of all bytes, in hex; only once `complete`. */
  readonly digest: string;
  /**
   * All bytes from one on, in order, in chunks of any size. At the end of what is there the
   * iteration waits for more, and ends when the content is complete. May be called any number of
   * times, also at once. Chunks must not be changed by the reader.
   *
   * @param from offset of the first byte that is given; 0 without it. With Infinity nothing is given
   *   or read, and the end is waited for.
   * @param lasting how many chunks have to last: with 1 each is over when the next is asked for. Then
   *   so many buffers serve for all, where each would else be garbage that counts until it is
   *   collected. Without it all last.
   * @throws {Cancelled} when `signal` is aborted, or the content was given up before its end.
   * @throws {OperationalError} STORE, when the spool cannot be read.
   */
  chunks(signal: CancelSignal, from?: number, lasting?: number): AsyncIterable<Buffer>;
}
