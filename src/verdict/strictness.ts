import type { Action } from './rules.ts';

/** From what lets a message through to what holds it longest from its recipients. */
const strictness: readonly Action[] = ['pass', 'tag', 'defer', 'quarantine', 'discard', 'reject'];

export function rank(action: Action): number {
  return strictness.indexOf(action);
}

/** Undefined where there is none. */
export function strictest(actions: readonly Action[]): Action | undefined {
  return strictness.findLast((action) => actions.includes(action));
}
