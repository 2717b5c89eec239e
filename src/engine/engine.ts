import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Client, Path } from '../envelope.ts';
import type { Limits } from '../limits.ts';
import type { NextHop } from '../relay/next-hop.ts';
import type { Quarantine } from '../store/quarantine.ts';
import type { Spool } from '../store/spool.ts';
import type { Position } from '../verdict/disposition.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { Rules } from '../verdict/rules.ts';
import type { WaitingLine } from '../waiting-line.ts';
import type { Handovers } from './handovers.ts';
import type { TransactionRecord } from './record.ts';
import type { Scans } from './scans.ts';
import type { StampSettings } from './stamp.ts';
import { Transaction } from './transaction.ts';

/** The door that a transaction came in by. */
export interface Door {
  /** The listener's address, as configured. */
  readonly listener: string;
  readonly flavour: 'smtp' | 'lmtp';
  readonly position: Position;
}

/** What the engine works with; the daemon puts it together. */
export interface EngineParts {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly rules: Rules;
  readonly banned: readonly BannedRule[];
  readonly stamp: StampSettings;
  /** The name for EHLO at a next hop that does not ask before it commits. */
  readonly hostname: string;
  /** In front of all transactions of the daemon, whatever their door. */
  readonly line: WaitingLine;
  readonly scans: Scans;
  readonly handovers: Handovers;
  readonly nextHop: NextHop;
  readonly quarantine: Quarantine;
  readonly openSpool: () => Spool;
  /** A new name for a transaction, unique over restarts. */
  readonly newId: () => string;
  /** Aborted when the daemon goes down: what is not past its final dot is answered 451. */
  readonly stopping: CancelSignal;
  /** Told of each transaction once, when it is over. Must not throw. */
  readonly observe: (record: TransactionRecord) => void;
}

/** One message from envelope to outcome, for one door. */
export class Engine {
  readonly door: Door;
  readonly #parts: EngineParts;

  constructor(door: Door, parts: EngineParts) {
    this.door = door;
    this.#parts = parts;
  }

  begin(client: Client, reversePath: Path): Transaction {
    return new Transaction(this.door, this.#parts, client, reversePath);
  }
}
