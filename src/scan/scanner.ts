import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import type { Finding } from '../verdict/finding.ts';

/** One byte string that went to clamd, and what clamd said. */
export interface ScannedStream {
  /** 'message' for the whole, the part's number as IMAP counts ('1.2'), or 'reading 1'. */
  readonly stream: string;
  /** How a reading comes from the message; what the part calls itself ('invoice.pdf', 'application/pdf'), '' for the whole message. */
  readonly label: string;
  /** Bytes of content; what we add to make clamd see mail is not counted. */
  readonly bytes: number;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  /** clamd's reply word for word ('stream: OK'), or what went wrong. */
  readonly answer: string;
  /** Which clamd answered; '' when none did. */
  readonly endpoint: string;
  /** From the first byte sent to the answer. */
  readonly ms: number;
  /** The stream with the same bytes whose answer this repeats. */
  readonly sameAs?: string;
  /** Whether the answer was kept from an earlier message; absent where that was not asked. */
  readonly cached?: boolean;
}

/** A node of the MIME tree, for the explanation of `clamgate scan`. */
export interface MimePart {
  /** '1.2', or '' for the root. */
  readonly number: string;
  readonly contentType: string;
  readonly filename?: string;
  readonly bytes: number;
}

/** What some client takes from the message, and how. */
export interface ShownReading {
  /** The stream with its bytes, as it was scanned. */
  readonly stream: string;
  /** 'bytes 120 to 480 as base64'. */
  readonly recipe: string;
  readonly why: string;
  /** Whether a client that keeps to the standards would not. */
  readonly odd: boolean;
  readonly bytes: number;
  /** SHA-256 of the bytes, in hex. */
  readonly digest: string;
}

/** What was seen in the bytes of a stream besides what clamd says. */
export interface ShownContent {
  readonly stream: string;
  /** What it is by its first bytes. */
  readonly type?: string;
  /** Names in an archive, the first ones, and how many there are besides. */
  readonly names: readonly string[];
  readonly namesLeftOut: number;
  /** Why names may be missing. */
  readonly incomplete?: string;
}

export interface ScanReport {
  readonly findings: readonly Finding[];
  readonly streams: readonly ScannedStream[];
  readonly parts: readonly MimePart[];
  /** What clients take from the message, where it was asked for (`everyPart`). */
  readonly readings?: readonly ShownReading[];
  /** What streams are, where it was asked for (`everyPart`). */
  readonly contents?: readonly ShownContent[];
}

/** Everything that looks at messages, behind one door. */
export interface MessageScanner {
  /**
   * Scans a message that may still be arriving: the whole as it comes, then each decoded part.
   * The time limit (limits.scanMs) counts from the end of data.
   *
   * Whatever goes wrong with a scanner is a finding (`unavailable`).
   *
   * @param takesApart told once, before this process itself begins to parse the message: from here
   *   on the message could be what ends it. Before that, and for a message that has nothing to be
   *   taken apart, only the scanner works on it.
   * @throws {Cancelled} when `signal` is aborted.
   * @throws {OperationalError} STORE, when the content cannot be read back.
   */
  scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport>;
}
