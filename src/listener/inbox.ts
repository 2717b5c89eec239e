import type { Socket } from 'node:net';
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { peerGone } from '../errors.ts';

/** Bytes that may wait here before the peer is held back; one read of the socket brings as many. */
const highWaterBytes = 64 * 1024;

/** So many chunks of the size that Node.js reads in are within the bound, and no more. */
const chunksApartMax = 8;

const nothing = Buffer.alloc(0);

/**
 * The reading side of a socket. It goes on reading while the session is at work, up to a bound, for
 * that is the only way to see the peer's FIN while a scan runs; beyond the bound TCP holds the peer
 * back.
 */
export class Inbox {
  readonly socket: Socket;
  readonly #gone = new Canceller();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    const gone = (): void => {
      this.#wake?.();
      this.#gone.abort(peerGone);
    };
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('end', gone).on('error', gone).on('close', gone);
  }

  /** Aborted when the peer has closed or reset, or the socket failed. */
  get gone(): CancelSignal {
    return this.#gone.signal;
  }

  /**
   * The next bytes, at least one; 'gone' when the peer sends no more, 'silence' when
   * it said nothing for `idleMs`, or the wait was interrupted.
   */
  async read(clock: Clock, idleMs: number): Promise<Buffer | 'gone' | 'silence'> {
    if (this.#bytes === 0 && !this.gone.aborted) await this.#arrival(clock, idleMs);
    if (this.#bytes > 0) return this.#next();
    return this.gone.aborted ? 'gone' : 'silence';
  }

  /** Ends a running `read` early. */
  interrupt(): void {
    this.#wake?.();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > highWaterBytes) this.socket.pause();
    this.#wake?.();
  }

  /** Large chunks as they came, for a copy of a whole message costs; many small ones together. */
  #next(): Buffer {
    const few = this.#chunks.length <= chunksApartMax;
    const chunk = few ? (this.#chunks.shift() ?? nothing) : Buffer.concat(this.#chunks.splice(0));
    this.#bytes -= chunk.length;
    if (this.#bytes <= highWaterBytes && this.socket.isPaused()) this.socket.resume();
    return chunk;
  }

  #arrival(clock: Clock, idleMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(idleMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        timer.cancel();
        resolve();
      };
    });
  }
}
