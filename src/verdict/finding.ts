/**
 * What the scanners saw in a message, or that they could not see it. A finding never says what is
 * to be done; the rules do (rules.ts, decide.ts).
 */

/** Why a stream was not, or perhaps not wholly, looked at although the scanner answered. */
export type PartialReason =
  /** Longer than clamd's StreamMaxLength: clamd refused it. */
  | 'stream-length'
  /** Larger than clamd's MaxFileSize: clamd says OK without looking. */
  | 'file-size'
  /** OK after as long as clamd's MaxScanTime: clamd gave up silently. */
  | 'scan-time'
  /** clamd reported one of its own limits (Heuristics.Limits.Exceeded.*). */
  | 'limits-exceeded'
  /** More MIME parts than partsMax, or deeper than partDepthMax. */
  | 'parts'
  /** The MIME parser failed, so parts of the message may not have been taken apart. */
  | 'unparsed'
  /** More ways to read the message than a ceiling allows, so that not all were scanned. */
  | 'readings'
  /** A fragment of a message (RFC 2046 §5.2.2): the rest comes in others. */
  | 'fragment'
  /** Over a ceiling of what is read of an archive: its names, or whether it is encrypted. */
  | 'archive'
  /** A container, and clamd would not say if it reached one of its limits inside (AlertExceedsMax). */
  | 'limits-silent';

interface InStream {
  /** Which bytes: 'message' for the whole, the part's number as IMAP counts ('1.2'), 'reading 1'. */
  readonly stream: string;
  /** For the log and the explanation; never told to a peer. */
  readonly detail: string;
}

export type Finding =
  /** Malware; `detail` is the signature's name. */
  | ({ readonly kind: 'infected' } & InStream)
  /** The scan failed: unreachable, broken, timed out, or an answer that is neither OK nor FOUND. */
  | ({
      readonly kind: 'unavailable';
      /**
       * Who died of it, or did not come to an end: perhaps the message is to blame. Our own worker has
       * no other reason to.
       */
      readonly broke?: 'clamd' | 'worker';
    } & InStream)
  /** It broke its scan so often that it is not scanned any more. */
  | ({ readonly kind: 'unscannable' } & InStream)
  | ({ readonly kind: 'partial'; readonly reason: PartialReason } & InStream)
  /** Clients read the message differently; `detail` says where. */
  | ({ readonly kind: 'ambiguous' } & InStream)
  /** Encrypted content that no scanner can open. */
  | ({ readonly kind: 'encrypted' } & InStream)
  /** A part that a rule bans; `rules` names those that do, in their order, wherever they hold. */
  | ({ readonly kind: 'banned'; readonly rules?: readonly string[] } & InStream)
  /** An office document with macros, reported because clamd was told to (AlertOLE2Macros). */
  | ({ readonly kind: 'macro' } & InStream)
  /** A clamd with signatures that are older than they may be has looked at it. */
  | ({ readonly kind: 'old-signatures' } & InStream)
  /** A bare CR before a lone dot: a sloppy next hop could take it for the end of data. */
  | ({ readonly kind: 'smuggling' } & InStream);

export type FindingKind = Finding['kind'];

/** Why something in a message was not looked at. */
export type UnscannedReason = PartialReason | 'encrypted' | 'unavailable' | 'unscannable';

/** Undefined for a finding that hides nothing. */
export function unscannedReason(finding: Finding): UnscannedReason | undefined {
  switch (finding.kind) {
    case 'partial':
      return finding.reason;
    case 'encrypted':
    case 'unavailable':
    case 'unscannable':
      return finding.kind;
    case 'infected':
    case 'macro':
    case 'banned':
    case 'smuggling':
    case 'ambiguous':
    case 'old-signatures':
      return undefined;
  }
}

/** Each reason once, in the order of the findings. */
export function unscannedReasons(findings: readonly Finding[]): readonly UnscannedReason[] {
  const reasons = findings.map(unscannedReason).filter((reason) => reason !== undefined);
  return [...new Set(reasons)];
}

/** How much of the message was looked at. */
export type Coverage = 'full' | 'partial' | 'none';

export function coverageOf(findings: readonly Finding[]): Coverage {
  if (findings.some(({ kind }) => kind === 'unavailable' || kind === 'unscannable')) return 'none';
  return unscannedReasons(findings).length > 0 ? 'partial' : 'full';
}
