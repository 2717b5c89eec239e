/** What looks at one clamd have shown of its limits, and what of that holds now (pure). */
import type { LimitAlerts } from './limits-canary.ts';
import { leastBytes } from './size-canary.ts';

/** Up to which size clamd looks at a file: `upTo` was asked, `bytes` is what it looks at of that. */
export interface FileSize {
  readonly upTo: number;
  /** Infinity where it cannot be told. */
  readonly bytes: number;
  /** False where it has not answered, and `bytes` is what it is taken for. */
  readonly isShown: boolean;
}

export interface KnownLimits {
  /** Whether it tells of its limits. */
  readonly alerts: LimitAlerts;
  /**
   * The largest file that it is known to look at, in bytes; Infinity where that cannot be told, undefined
   * where it need not be found out.
   */
  readonly fileBytesMax: number | undefined;
}

/** What it has shown last, each with the moves of its version then (`DatabaseVersions.moves`). */
export interface ShownLimits {
  told: { readonly alerts: LimitAlerts; readonly moves: number } | undefined;
  sized: { readonly fileSize: FileSize; readonly moves: number | undefined } | undefined;
}

/** The clamd that is there now. */
export interface ClamdNow {
  readonly moves: number | undefined;
  /** What its MaxFileSize is taken for, in bytes; undefined where it is known. */
  readonly suspected: number | undefined;
}

/**
 * What was found out of the clamd that is there now; of any other nothing holds, but the size of files
 * until it is found out anew.
 */
export function limitsNow(shown: ShownLimits, { moves, suspected }: ClamdNow): KnownLimits {
  const fileBytesMax = shown.sized?.fileSize.bytes ?? unsized(shown, suspected);
  return { alerts: alertsNow(shown, moves), fileBytesMax };
}

export function alertsNow({ told }: ShownLimits, moves: number | undefined): LimitAlerts {
  return told && told.moves === moves ? told.alerts : 'unknown';
}

/** What it is taken to look at before it has shown it; one that told of its limits last tells of this. */
function unsized({ told }: ShownLimits, suspected: number | undefined): number | undefined {
  if (suspected === undefined || told?.alerts === 'on') return undefined;
  return Math.min(suspected, leastBytes);
}

/** What has to be found out of it: nothing where it is known, or clamd would tell. */
export function fileSizeDue(
  shown: ShownLimits,
  { moves, suspected }: ClamdNow,
  hasShownCanary: boolean,
): number | undefined {
  if (suspected === undefined || alertsNow(shown, moves) === 'on') return undefined;
  const { sized } = shown;
  if (sized?.moves !== moves || sized?.fileSize.upTo !== suspected) return suspected;
  // Where no version tells whether it is another one, it is asked as often as for EICAR.
  return moves === undefined && hasShownCanary ? suspected : undefined;
}
