import type { Socket } from 'node:net';
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { peerGone } from '../errors.ts';

/** Bytes that may wait here before the peer is held back; one read of the socket brings as many. */
const highWaterBytes = 64 * 1024;

/** So many chunks of the size that Node.js reads in are within the bound, and no more. */
const chunksApartMax = 8;

/** What is copied goes into blocks of this size: so much may be empty beyond the bound. */
const blockBytes = 4 * 1024;

const nothing = Buffer.alloc(0);

/**
 * The reading side of a socket. It goes on reading while the session is at work, up to a bound, for
 * that is the only way to see the peer's FIN while a scan runs; beyond the bound TCP holds the peer
 * back.
 */
export class Inbox {
  readonly socket: Socket;
  readonly #gone = new Canceller();
  /** As they came. */
  readonly #chunks: Buffer[] = [];
  /** Copies of those behind. All blocks are full but the last. */
  readonly #blocks: Buffer[] = [];
  /** Bytes in the last block, if there is one, that are not filled yet. */
  #room = 0;
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
    if (this.#chunks.length < chunksApartMax) this.#chunks.push(chunk);
    else this.#copyIntoBlocks(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > highWaterBytes) this.socket.pause();
    this.#wake?.();
  }

  /** A Buffer with its memory costs hundreds of bytes; a peer can make one of each byte. */
  #copyIntoBlocks(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const block = this.#blockWithRoom();
      const copied = rest.copy(block, blockBytes - this.#room);
      this.#room -= copied;
      rest = rest.subarray(copied);
    }
  }

  #blockWithRoom(): Buffer {
    const last = this.#blocks.at(-1);
    if (last && this.#room > 0) return last;
    const block = Buffer.allocUnsafeSlow(blockBytes);
    this.#blocks.push(block);
    this.#room = blockBytes;
    return block;
  }

  /** Large chunks as they came, for a copy of a whole message costs; many small ones together. */
  #next(): Buffer {
    const few = this.#blocks.length === 0;
    const chunk = few ? (this.#chunks.shift() ?? nothing) : this.#all();
    this.#bytes -= chunk.length;
    if (this.#bytes <= highWaterBytes && this.socket.isPaused()) this.socket.resume();
    return chunk;
  }

  /** Blocks are never handed out themselves, so nothing is written into what a session holds. */
  #all(): Buffer {
    const parts = [...this.#chunks.splice(0), ...this.#blocks.splice(0)];
    // The length cuts off what is empty of the last block.
    return Buffer.concat(parts, this.#bytes);
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
