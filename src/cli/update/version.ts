/** Whether a clamd has loaded what it was told to, by its VERSION and its log. Pure. */
import { type ClamdVersion, parseVersion } from '../../protocol/clamd/version.ts';

export interface Version extends ClamdVersion {
  /** As clamd says it. */
  readonly words: string;
}

/** @returns undefined when these are not the words of a clamd. */
export function versionOf(words: string): Version | undefined {
  const version = parseVersion(words);
  return version && { words, ...version };
}

/** What is known of one clamd since it was told to load. */
export interface LoadEvidence {
  readonly before: Version | undefined;
  /** Its answer now; undefined while there is none. */
  readonly now: Version | undefined;
  /** The number in its directory; undefined where that cannot be known. */
  readonly expected: number | undefined;
  readonly way: 'concurrent' | 'blocking' | 'restart' | 'unknown';
  /** What its log says since. */
  readonly log: 'loading' | 'loaded' | 'failed' | 'nothing' | 'unreadable';
  /** Milliseconds since it was told. */
  readonly sinceMs: number;
}

export interface LoadBounds {
  readonly settleMs: number;
  readonly unseenMs: number;
}

export type LoadState =
  /** Still at it, as far as can be told. */
  | 'loading'
  | 'loaded'
  /** Its number is the same, so nothing but the time that has passed says that it has loaded. */
  | 'loaded-unseen'
  | 'failed';

/**
 * Only the number in VERSION and the log tell of the end of a reload: RELOADING is said at its
 * beginning. That it was slow to answer tells nothing: so is one that has much to do.
 */
export function loadState(evidence: LoadEvidence, bounds: LoadBounds): LoadState {
  const { before, now, expected, way, log } = evidence;
  if (now?.isHollow === true || log === 'failed') return 'failed';
  if (!now) return 'loading';
  // systemctl returns when the old process is gone: whoever answers has loaded.
  if (way === 'restart' || (before && now.words !== before.words)) return 'loaded';
  const isExpected = expected === undefined || now.database === expected;
  // A concurrent reload is logged before it takes the old one's place (clamd/server-th.c, reload_th).
  if (log === 'loaded') {
    return isExpected || evidence.sinceMs >= bounds.unseenMs ? 'loaded' : 'loading';
  }
  if (log === 'loading' || !isExpected) return 'loading';
  // It answers nothing while it loads, so an answer comes after; not one that overtook the reload.
  const isBlind = way === 'blocking' && log === 'unreadable';
  if (isBlind) return evidence.sinceMs >= bounds.settleMs ? 'loaded' : 'loading';
  return evidence.sinceMs >= bounds.unseenMs ? 'loaded-unseen' : 'loading';
}
