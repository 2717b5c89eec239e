/**
 * Where the daemon can be broken on purpose: a wrapper around a part of it, or other methods for
 * one. src/ knows nothing of it; which there are is mutations.ts and mutations-once.ts.
 */
import type { EngineParts } from '../../src/engine/engine.ts';
import type { Handovers, HandoversOptions } from '../../src/engine/handovers.ts';
import type { Transaction } from '../../src/engine/transaction.ts';
import type { MessageScanner } from '../../src/scan/scanner.ts';
import type { Files } from '../../src/store/files.ts';
import type { Violation } from './invariants.ts';
import type { Fault } from './weather.ts';

export interface Mutation {
  readonly files?: (files: Files) => Files;
  readonly parts?: (parts: EngineParts) => EngineParts;
  readonly scanner?: (scanner: MessageScanner) => MessageScanner;
  /** Given each transaction when it begins. */
  readonly transaction?: (transaction: Transaction) => void;
  /** What the handovers work with. */
  readonly options?: (options: HandoversOptions) => HandoversOptions;
  /** Given the handovers of each life of the daemon. */
  readonly handovers?: (handovers: Handovers) => void;
  /** Faults without which it makes no difference: they are in every run then. */
  readonly prone?: readonly Fault[];
  /** What the simulation must see, one of these at least. */
  readonly seenAs: readonly Violation[];
}

export const unbroken: Mutation = { seenAs: [] };
