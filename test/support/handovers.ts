/** Handovers without a ledger or a witness, for tests of what is around them. */
import type { Clock } from '../../src/clock.ts';
import { Handovers, type HandoversOptions } from '../../src/engine/handovers.ts';
import { noEvidence } from '../../src/relay/evidence.ts';
import { noLedger } from '../../src/store/no-ledger.ts';

export function someHandovers(clock: Clock, over: Partial<HandoversOptions> = {}): Handovers {
  let attempts = 0;
  return new Handovers({
    ledger: noLedger,
    evidence: noEvidence,
    clock,
    inDoubt: 'retry',
    suffix: undefined,
    newAttempt: () => `attempt${++attempts}`,
    tell: () => undefined,
    ...over,
  });
}
