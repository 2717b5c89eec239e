import type { Ledger } from './ledger.ts';

/** Nothing is remembered: every retry is a new message, as with other filters. */
export const noLedger: Ledger = {
  find: () => [],
  unsettled: () => [],
  brokenScans: () => 0,
  note: () => undefined,
  scanBegan: () => undefined,
  scanEnded: () => undefined,
  commit: () => Promise.resolve(),
  defer: () => undefined,
};
