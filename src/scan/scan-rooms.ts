/**
 * How many messages are scanned at once. Whoever is scanned has readers, decoders and buffers of
 * its own, some hundred KiB; whoever waits has its spool and nothing else. So memory is bounded by
 * the rooms there are, not by the messages that are there, and clamd has no less to do: it works on
 * no more streams than there are rooms for large messages.
 *
 * Nobody who has a room waits for another one, so each is free again in time.
 */
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { cancelCause, Cancelled } from '../errors.ts';
import { type Leave, WaitingLine } from '../waiting-line.ts';

/** What is done with a message in a room of its own. */
export const roomKinds = [
  /** A message of more than one block is sent to clamd as it stands. */
  'whole',
  /** Such a message is taken apart, and its parts and readings are sent. */
  'apart',
  /** A message of no more than one block is taken apart. */
  'small-apart',
] as const;
export type RoomKind = (typeof roomKinds)[number];

export class ScanRooms {
  readonly #lines: Readonly<Record<RoomKind, WaitingLine>>;

  /** @param streamsMax what all clamds together work on at once; at least 1. */
  constructor(streamsMax: number, clock: Clock) {
    const line = (places: number): WaitingLine =>
      new WaitingLine({ places, waiting: Infinity }, clock);
    this.#lines = {
      whole: line(streamsMax),
      // Each has gone to clamd once already: with half the rooms neither line outruns the other.
      apart: line(Math.ceil(streamsMax / 2)),
      'small-apart': line(streamsMax * 2),
    };
  }

  /** Messages that have a room of this kind, and messages that wait for one. */
  load(kind: RoomKind): { readonly inside: number; readonly waiting: number } {
    const { inside, waiting } = this.#lines[kind];
    return { inside, waiting };
  }

  /** A room, as soon as there is one. @throws {Cancelled} when the signal is aborted. */
  async enter(kind: RoomKind, signal: CancelSignal): Promise<Leave> {
    const leave = await this.#lines[kind].enter(signal);
    assert(leave, 'this line is never full, and nobody in it gives up by himself');
    if (!signal.aborted) return leave;
    leave();
    throw new Cancelled(cancelCause(signal));
  }
}
