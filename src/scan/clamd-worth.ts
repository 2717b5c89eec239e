/** What an OK of a clamd is worth: what it can be taken to have looked at, and how (pure). */
import type { LimitAlerts } from './limits-canary.ts';

/** clamd's own settings, as far as its answers cannot be understood without them. */
export interface ClamdCeilings {
  /** StreamMaxLength: a longer stream is refused. */
  readonly streamBytesMax: number;
  /** MaxFileSize: of a larger stream clamd says OK without having looked. */
  readonly fileBytesMax: number;
  /** MaxScanTime, in milliseconds: an OK that took as long came without having looked at all. */
  readonly scanMsMax: number;
}

export interface ClamdWorth {
  readonly ceilings: ClamdCeilings;
  /** Whether it tells of its limits. */
  readonly alerts: LimitAlerts;
  /** Whether its signatures are older than they may be. */
  readonly hasOldSignatures: boolean;
}

/** Of what no clamd has said. */
export const noWorth: ClamdWorth = {
  ceilings: { streamBytesMax: 0, fileBytesMax: 0, scanMsMax: 0 },
  alerts: 'unknown',
  hasOldSignatures: false,
};

/** The least of each: what is above either was perhaps not looked at. */
export function strictest(ours: ClamdCeilings, theirs: Partial<ClamdCeilings> = {}): ClamdCeilings {
  const least = (name: keyof ClamdCeilings) => Math.min(ours[name], theirs[name] ?? Infinity);
  return {
    streamBytesMax: least('streamBytesMax'),
    fileBytesMax: least('fileBytesMax'),
    scanMsMax: least('scanMsMax'),
  };
}

/**
 * By what was known when the stream was sent, and when its answer came: a reload of the configuration or
 * new signatures between them say nothing for what scanned it. Whether it tells of its limits a clamd
 * does not change while it scans.
 */
export function worthOver(sent: ClamdWorth, answered: ClamdWorth): ClamdWorth {
  return {
    ceilings: strictest(sent.ceilings, answered.ceilings),
    alerts: answered.alerts,
    hasOldSignatures: sent.hasOldSignatures || answered.hasOldSignatures,
  };
}
