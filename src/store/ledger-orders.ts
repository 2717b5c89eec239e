/** What the main thread and the ledger's writing thread say to each other. */
import type { LedgerChange } from './ledger.ts';

export interface WriterSettings {
  readonly file: string;
  readonly bytesMax: number;
  readonly takeoverMs: number;
}

/** What is to become durable: the deferred changes first, and all of it or nothing. */
export interface WriteOrder {
  readonly id: number;
  readonly kind: 'write';
  /** When the rest fails they are kept, and travel with the next. */
  readonly deferred: readonly LedgerChange[];
  readonly changes: readonly LedgerChange[];
}

export type Order =
  | WriteOrder
  /** Removes some entries, settled ones that changed last before `settled`, others `unsettled`. */
  | {
      readonly id: number;
      readonly kind: 'expire';
      readonly settled: number;
      readonly unsettled: number;
    }
  /** Gives some empty pages back to the file system; answered with how many are left. */
  | { readonly id: number; readonly kind: 'compact' }
  /** After everything that was ordered before. */
  | { readonly id: number; readonly kind: 'close' };

export interface Answer {
  readonly id: number;
  /** Why the order was not carried out. */
  readonly problem?: string;
  /** What an order asks for. */
  readonly count?: number;
}

export type Report =
  | { readonly kind: 'open' }
  /** It could not be opened; nothing follows. */
  | { readonly kind: 'refused'; readonly problem: string }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  | { readonly kind: 'warning'; readonly text: string };
