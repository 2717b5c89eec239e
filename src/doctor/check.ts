/** What a check is: a rule over the facts, with its reason and its remedy. Pure. */
import { messageOf } from '../errors.ts';
import type { Facts } from './facts.ts';
import type { Known } from './known.ts';

export type Severity =
  | 'ok'
  /** It works, and will not always. */
  | 'warn'
  /** Mail is lost, let through unscanned, put off, or open to others. */
  | 'error'
  /** It could not be seen. */
  | 'unknown';

/** One thing that was looked at. */
export interface Look {
  readonly severity: Severity;
  /** With the figures. */
  readonly what: string;
  /** Where it is more exact than that of the check. */
  readonly mend?: string;
}

export interface Check {
  /** Stable: scripts, and docs/doctor.md, know it by this. */
  readonly id: string;
  /** What holds when all is well. */
  readonly what: string;
  /** What happens when it does not. */
  readonly why: string;
  readonly mend: string;
  /** Where it is documented. */
  readonly see: string;
  /** Nothing where it does not apply, or another check has told of the cause already. */
  readonly look: (facts: Facts) => readonly Look[];
}

export interface Finding {
  readonly id: string;
  readonly severity: Severity;
  readonly what: string;
  readonly why: string;
  readonly mend: string;
  readonly see: string;
}

export function ok(what: string): Look {
  return { severity: 'ok', what };
}

export function warn(what: string, mend?: string): Look {
  return { severity: 'warn', what, ...(mend !== undefined && { mend }) };
}

export function error(what: string, mend?: string): Look {
  return { severity: 'error', what, ...(mend !== undefined && { mend }) };
}

export function unknown(what: string): Look {
  return { severity: 'unknown', what };
}

/**
 * What it means that a server could not be talked to: where we have no right to, and are not root,
 * that is ours alone; what the daemon may is another check.
 */
export function noAnswer(what: string, why: string, isRoot: boolean): Look {
  return !isRoot && /\bEACCES\b/.test(why) ? unknown(`${what}: ${why}`) : error(`${what}: ${why}`);
}

/** Looks at a fact where it is known; else says of `what` why it is not. */
export function ifKnown<T>(
  fact: Known<T>,
  what: string,
  look: (value: T) => Look | readonly Look[],
): readonly Look[] {
  if (!fact.known) return [unknown(`${what}: ${fact.why}`)];
  return [look(fact.value)].flat();
}

/** Looks at what Postfix says; whether it says anything is the check postfix-readable. */
export function ofPostfix(
  look: (postfix: NonNullable<ReturnType<typeof postfixOf>>, facts: Facts) => readonly Look[],
): Check['look'] {
  return (facts) => {
    const postfix = postfixOf(facts);
    return postfix === undefined ? [] : look(postfix, facts);
  };
}

function postfixOf({ postfix }: Facts) {
  return postfix.known ? postfix.value : undefined;
}

/** Never throws: a fault of a check is a finding that nothing is known. */
export function examine(checks: readonly Check[], facts: Facts): readonly Finding[] {
  return checks.flatMap(({ id, why, mend, see, look }) =>
    safely(() => look(facts)).map((seen) => ({
      id,
      severity: seen.severity,
      what: seen.what,
      why,
      mend: seen.mend ?? mend,
      see,
    })),
  );
}

function safely(look: () => readonly Look[]): readonly Look[] {
  try {
    return look();
  } catch (fault) {
    return [unknown(`a fault of this check: ${messageOf(fault)}`)];
  }
}
