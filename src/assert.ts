/** Our own programming error: a state that the code holds to be impossible. */
export class ImpossibleState extends Error {
  override readonly name = 'ImpossibleState';
}

/**
 * States what must be true here, whatever the peer does. A peer's mistake is never an assertion.
 *
 * @throws {ImpossibleState} the session that hits it answers 451 4.3.0 and the stack goes to the log.
 */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new ImpossibleState(invariant);
}
