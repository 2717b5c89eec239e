/** The administrator's rules: what each kind of finding leads to. Plain data, validated at start. */
import type { Finding, PartialReason } from './finding.ts';

/**
 * pass: as clean. tag: pass, and say so in the header. quarantine: keep here, answer 250.
 * reject: 5xx. discard: answer 250 and drop. defer: 451, Postfix keeps it and tries again.
 */
export type Action = 'pass' | 'tag' | 'quarantine' | 'reject' | 'discard' | 'defer';

/** There is no rule for `unavailable`: what could not be scanned is always deferred. */
export interface Rules {
  readonly infected: Action;
  /** Larger than clamd takes or looks at. */
  readonly oversize: Action;
  /** clamd reached one of its own limits: it said so, or took as long as it may. */
  readonly limits: Action;
  /** Not wholly taken apart: too many parts, readings or names in archives, broken, a fragment. */
  readonly partial: Action;
  /** A container, from a clamd that keeps its limits to itself. */
  readonly 'limits-silent': Action;
  /** Clients read it differently; everything that any of them reads was scanned. */
  readonly ambiguous: Action;
  /** What looked at it has signatures that are too old: what is new, it cannot know. */
  readonly 'old-signatures': Extract<Action, 'pass' | 'defer'>;
  readonly encrypted: Action;
  /** What a rule about banned parts (banned.ts) leads to that names no action of its own. */
  readonly banned: Action;
  readonly macro: Action;
  readonly smuggling: Action;
  /** A message that broke its scan again and again: it never passes. */
  readonly unscannable: Extract<Action, 'quarantine' | 'defer'>;
}

export const defaultRules: Rules = {
  infected: 'quarantine',
  oversize: 'quarantine',
  limits: 'quarantine',
  partial: 'quarantine',
  // A clamd is so as Debian and ClamAV ship it: to stop all archives there would stop the mail.
  'limits-silent': 'pass',
  ambiguous: 'pass',
  'old-signatures': 'pass',
  encrypted: 'tag',
  banned: 'quarantine',
  macro: 'tag',
  smuggling: 'quarantine',
  unscannable: 'quarantine',
};

/** Named as in the log and in the header; in the configuration with '_' for '-'. */
export type RuleName = keyof Rules;

const ruleOfReason: Readonly<Record<PartialReason, RuleName>> = {
  'stream-length': 'oversize',
  'file-size': 'oversize',
  'limits-exceeded': 'limits',
  'scan-time': 'limits',
  parts: 'partial',
  unparsed: 'partial',
  readings: 'partial',
  fragment: 'partial',
  archive: 'partial',
  'limits-silent': 'limits-silent',
};

/** The rule that a finding falls under; 'unavailable' has none. */
export function ruleOf(finding: Finding): RuleName | 'unavailable' {
  return finding.kind === 'partial' ? ruleOfReason[finding.reason] : finding.kind;
}
