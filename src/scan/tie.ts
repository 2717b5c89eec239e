/**
 * A connection to a clamd on which nothing is said. It ends with that clamd, and so tells of a restart
 * that no stream and no look has met, however quick it was: what comes next may have other signatures.
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { CancelSignal } from '../cancel-signal.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { dial, type Dialling } from './clamd-socket.ts';

/** Below what clamd waits for a command (clamd.conf(5), CommandReadTimeout: 30 s). */
const renewedAfterMs = 10_000;

export class Tie {
  readonly #broke: () => void;
  #socket: Socket | undefined;
  #closed = false;
  /** Monotonic. */
  #since = -Infinity;

  /** @param broke told each time that clamd, and not we, ended it without a word. */
  constructor(broke: () => void) {
    this.#broke = broke;
  }

  /**
   * Has one from now on. The old one is let go when the new one is there, and not before: while either
   * holds, the clamd behind them is the same.
   *
   * @throws as `dial`.
   */
  async renew(address: ClamdAddress, dialling: Dialling, signal: CancelSignal): Promise<void> {
    const { clock } = dialling;
    if (this.#socket && clock.monotonic() - this.#since < renewedAfterMs) return;
    const socket = await dial(address, dialling, signal);
    // If the old one ended before, that is heard of in this turn.
    await turn();
    this.#socket?.destroy();
    this.#socket = undefined;
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    this.#since = clock.monotonic();
    this.#watch(socket);
  }

  /** Ends it; from now on there is none. */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #watch(socket: Socket): void {
    // No reason to go on for a process that has nothing else to do.
    socket.unref();
    let said = false;
    const end = (): void => {
      socket.destroy();
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      // clamd says why it will not wait any longer ("COMMAND READ TIMED OUT").
      if (!said) this.#broke();
    };
    socket.on('data', () => {
      said = true;
    });
    socket.on('end', end).on('error', end).on('close', end);
  }
}
