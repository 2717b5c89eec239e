import { coverageOf, type Coverage, type Finding, type FindingKind } from './finding.ts';
import type { Action, Rules } from './rules.ts';
import { rank } from './strictness.ts';

/**
 * What the rules make of the findings. Pure: the same findings and rules give the same verdict in
 * the daemon, in `clamgate scan` and in a replay.
 */
export interface Verdict {
  readonly kind: 'clean' | FindingKind;
  readonly action: Action;
  readonly coverage: Coverage;
  /** The findings of this kind; empty when clean. */
  readonly because: readonly Finding[];
}

/** Between equally strict actions the first of these names the verdict. */
const byRule = [
  'infected',
  'unscannable',
  'smuggling',
  'partial',
  'banned',
  'macro',
  'encrypted',
  'ambiguous',
] as const;

/**
 * Malware that a rule stops is the verdict whatever else was found: it stays malware when the rest
 * is scanned later. Otherwise a failed scan defers, before any other rule is asked: what could not
 * be looked at may hold anything, and comes again. Otherwise the strictest rule decides.
 */
export function decide(findings: readonly Finding[], rules: Rules): Verdict {
  const coverage = coverageOf(findings);
  const as = (kind: FindingKind, action: Action): Verdict => ({
    kind,
    action,
    coverage,
    because: findings.filter((finding) => finding.kind === kind),
  });
  const found = (kind: FindingKind): boolean => findings.some((finding) => finding.kind === kind);

  if (found('infected') && rank(rules.infected) > rank('defer')) {
    return as('infected', rules.infected);
  }
  if (found('unavailable')) return as('unavailable', 'defer');
  return byRule
    .filter(found)
    .map((kind) => as(kind, rules[kind]))
    .reduce(stricter, { kind: 'clean', action: 'pass', coverage, because: [] });
}

/** A finding outweighs `clean` even where its rule says pass, so that the log names it. */
function stricter(first: Verdict, second: Verdict): Verdict {
  if (first.kind === 'clean') return second;
  return rank(second.action) > rank(first.action) ? second : first;
}
