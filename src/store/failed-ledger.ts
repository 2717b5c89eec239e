import type { OperationalError } from '../errors.ts';
import type { Ledger } from './ledger.ts';

/**
 * In place of a ledger that cannot be opened: nothing may be handed over without one, so every
 * message is answered as for a full disk until an operator has mended it.
 */
export function failedLedger(error: OperationalError): Ledger {
  const fail = (): never => {
    throw error;
  };
  return {
    find: fail,
    unsettled: fail,
    brokenScans: fail,
    note: fail,
    scanBegan: () => undefined,
    scanEnded: () => undefined,
    commit: () => Promise.reject(error),
    defer: () => undefined,
  };
}
