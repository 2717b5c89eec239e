/** All that one run of the bench has found out about speed, part by part; and how it is stored. */
import type { DoorFigures } from '../doors/doors.ts';
import type { FootprintFigures } from '../footprint/footprint.ts';
import type { GrowthFigures } from '../growth/growth.ts';
import type { HopFigures } from '../hop/one-hop.ts';
import type { Machine } from '../stage/machine.ts';

/** Only the parts that were run. */
export interface Speed {
  readonly hop?: HopFigures;
  readonly doors?: DoorFigures;
  readonly footprint?: FootprintFigures;
  readonly growth?: GrowthFigures;
}

export interface SpeedRun extends Speed {
  /** When it began, as RFC 3339 has it. */
  readonly time: string;
  readonly machine: Machine;
}
