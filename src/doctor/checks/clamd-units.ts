/** What the checks of clamd as a service have in common. */
import type { Check, Look } from '../check.ts';
import type { ClamdFacts, Unit } from '../facts.ts';

/** Looks at the unit of each clamd that has one. */
export function ofUnits(look: (unit: Unit, clamd: ClamdFacts) => readonly Look[]): Check['look'] {
  return ({ clamd }) =>
    clamd.flatMap((one) => (one.unit?.known === true ? look(one.unit.value, one) : []));
}

export function seconds(ms: number): string {
  return ms === Infinity ? 'without end' : `${Math.round(ms / 100) / 10} s`;
}
