import {
  coverageOf,
  type Coverage,
  type Finding,
  type UnscannedReason,
  unscannedReasons,
} from './finding.ts';
import { type Action, type RuleName, ruleOf, type Rules } from './rules.ts';
import { rank } from './strictness.ts';

/**
 * What the rules make of the findings. Pure: the same findings and rules give the same verdict in
 * the daemon, in `clamgate scan` and in a replay.
 */
export interface Verdict {
  /** The rule that decided, or 'unavailable', for which there is none. */
  readonly kind: 'clean' | 'unavailable' | RuleName;
  readonly action: Action;
  readonly coverage: Coverage;
  /** Why coverage is not full, each reason once; empty where it is. */
  readonly unscanned: readonly UnscannedReason[];
  /** The findings under this rule; empty when clean. */
  readonly because: readonly Finding[];
}

/** Between equally strict actions the first of these names the verdict. */
const byRule = [
  'infected',
  'unscannable',
  'smuggling',
  'oversize',
  'limits',
  'partial',
  'banned',
  'macro',
  'encrypted',
  'ambiguous',
  'limits-silent',
  'old-signatures',
] as const satisfies readonly RuleName[];

type Ruled = RuleName | 'unavailable';

/**
 * Malware that a rule stops is the verdict whatever else was found: it stays malware when the rest
 * is scanned later. Otherwise a failed scan defers, before any other rule is asked: what could not
 * be looked at may hold anything, and comes again. Otherwise the strictest rule decides.
 */
export function decide(findings: readonly Finding[], rules: Rules): Verdict {
  const seen = { coverage: coverageOf(findings), unscanned: unscannedReasons(findings) };
  const under = (rule: Ruled): Finding[] => findings.filter((one) => ruleOf(one) === rule);
  const as = (kind: Ruled, action: Action): Verdict => ({
    kind,
    action,
    ...seen,
    because: under(kind),
  });
  const found = (rule: Ruled): boolean => under(rule).length > 0;

  if (found('infected') && stopsMalware(rules)) {
    return as('infected', rules.infected);
  }
  if (found('unavailable')) return as('unavailable', 'defer');
  return byRule
    .filter(found)
    .map((kind) => as(kind, rules[kind]))
    .reduce(stricter, { kind: 'clean', action: 'pass', ...seen, because: [] });
}

/** Whether malware is the verdict whatever else may be found. */
export function stopsMalware({ infected }: Pick<Rules, 'infected'>): boolean {
  return rank(infected) > rank('defer');
}

/** A finding outweighs `clean` even where its rule says pass, so that the log names it. */
function stricter(first: Verdict, second: Verdict): Verdict {
  if (first.kind === 'clean') return second;
  return rank(second.action) > rank(first.action) ? second : first;
}
