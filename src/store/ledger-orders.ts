/** What the main thread and the ledger's writing thread say to each other. */
import type { Fold } from './ledger-unfolded.ts';

export interface WriterSettings {
  readonly file: string;
  readonly bytesMax: number;
  readonly takeoverMs: number;
}

export type Order =
  /** Takes over what is durable in the journal; harmless when it comes twice. */
  | { readonly id: number; readonly kind: 'fold'; readonly fold: Fold }
  /** Removes some entries, settled ones that changed last before `settled`, others `unsettled`. */
  | {
      readonly id: number;
      readonly kind: 'expire';
      readonly settled: number;
      readonly unsettled: number;
    }
  /** Gives some empty pages back to the file system; answered with how many are left. */
  | { readonly id: number; readonly kind: 'compact' }
  /** After everything that was ordered before; `whole` when the database has all of the journal. */
  | { readonly id: number; readonly kind: 'close'; readonly whole: boolean };

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
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'warning'; readonly text: string };
