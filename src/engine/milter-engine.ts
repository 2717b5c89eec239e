/** One message from envelope to answer, at a Milter door: the MTA keeps it all the while. */
import type { Client, Path } from '../envelope.ts';
import type { EngineParts } from './engine.ts';
import { MilterTransaction } from './milter-transaction.ts';

export interface MilterDoor {
  /** The listener's address, as configured. */
  readonly listener: string;
  /** Whether the MTA is to hold what is to be quarantined; else it is refused. */
  readonly holds: boolean;
}

/** What it works with: no next hop, no ledger and no custody, for nothing is handed over. */
export type MilterEngineParts = Pick<
  EngineParts,
  | 'clock'
  | 'limits'
  | 'rules'
  | 'banned'
  | 'stamp'
  | 'line'
  | 'scans'
  | 'openSpool'
  | 'newId'
  | 'stopping'
  | 'observe'
>;

export class MilterEngine {
  readonly door: MilterDoor;
  readonly #parts: MilterEngineParts;

  constructor(door: MilterDoor, parts: MilterEngineParts) {
    this.door = door;
    this.#parts = parts;
  }

  begin(client: Client, reversePath: Path): MilterTransaction {
    return new MilterTransaction(this.door, this.#parts, client, reversePath);
  }
}
