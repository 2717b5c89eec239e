/**
 * One stream through INSTREAM on a connection of its own: writes the blocks, reads at the same
 * time, and says what clamd answered. It does not choose the clamd, nor try again (clamd-pool.ts).
 */
import type { Socket } from 'node:net';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import { cancelCause, Cancelled } from '../errors.ts';
import {
  chunkLength,
  instreamCommand,
  type InstreamReply,
  instreamTerminator,
  parseReply,
  replyBytesMax,
  replyWords,
} from '../protocol/clamd/instream.ts';
import { type Block, blockBytes, type Blocks } from './stream-blocks.ts';

export interface StreamAnswer {
  readonly reply: InstreamReply;
  /** clamd's words, or what went wrong in ours. */
  readonly words: string;
  /** From the end of the stream, where clamd begins to scan, to the answer; 0 without an end. */
  readonly scanMs: number;
  /** clamd ended, or hung, while it scanned: perhaps because of this stream. */
  readonly broke?: true;
  /** clamd gave a verdict on what it had not been sent to the end. */
  readonly unasked?: true;
  /** clamd said nothing for as long as it may. */
  readonly silent?: true;
}

type Answer = Omit<StreamAnswer, 'scanMs'>;

export interface StreamSettings {
  readonly clock: Clock;
  /** How long clamd may be silent, in milliseconds, while it is its turn to read or to answer. */
  readonly silenceMs: number;
  /** clamd's StreamMaxLength. */
  readonly streamBytesMax: number;
  /**
   * Called once, when clamd no longer works for this stream: that is later than the result where
   * the result was given up after the terminator, because clamd scans on regardless.
   */
  readonly released: () => void;
}

/**
 * Scans a stream over `socket`, which is connected and is closed in the end. Whatever clamd does
 * wrong is an answer.
 *
 * @throws {Cancelled} when `signal` is aborted; before the terminator the connection is destroyed
 *   with it, so that nothing is scanned.
 * @throws what reading `blocks` throws.
 */
export function scanStream(
  socket: Socket,
  blocks: Blocks,
  settings: StreamSettings,
  signal: CancelSignal,
): Promise<StreamAnswer> {
  return new ClamdStream(socket, settings, signal).scan(blocks);
}

const nothing = Buffer.alloc(0);

/** A block of so many pieces, with what belongs to it, is written without being copied together. */
const writtenInPlaceMax = 6;

class ClamdStream {
  readonly #socket: Socket;
  readonly #settings: StreamSettings;
  readonly #signal: CancelSignal;
  readonly #result = Promise.withResolvers<StreamAnswer>();
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;
  #sentBytes = 0;
  /** When the terminator was written: from here on clamd scans. */
  #terminatedAt: number | undefined;
  #settled = false;
  #problem = '';
  #silence: Timer | undefined;
  /** Called when what was sent last is written, or needs to be no more. */
  #written: (() => void) | undefined;

  constructor(socket: Socket, settings: StreamSettings, signal: CancelSignal) {
    this.#socket = socket;
    this.#settings = settings;
    this.#signal = signal;
  }

  scan({ first, rest }: Blocks): Promise<StreamAnswer> {
    this.#socket
      .on('data', (chunk) => {
        this.#receive(chunk);
      })
      .on('end', () => this.#socket.destroy())
      .on('error', (error) => {
        this.#problem ||= error.message;
      })
      .on('close', () => {
        this.#closed();
      });
    this.#signal.addEventListener('abort', this.#abort, { once: true });
    if (this.#signal.aborted) this.#abort();
    if (!this.#over) this.#send(instreamCommand, first);
    if (rest && !first.last) this.#go(rest);
    else this.#awaitClamd();
    return this.#result.promise;
  }

  #go(rest: AsyncIterable<Block>): void {
    this.#write(rest).catch((error: unknown) => {
      this.#giveUp(() => {
        this.#result.reject(error);
      });
    });
  }

  /** A block is not asked for before the one before it is written: they may share a buffer. */
  async #write(rest: AsyncIterable<Block>): Promise<void> {
    await this.#breathe();
    for await (const block of rest) {
      if (this.#over) break;
      this.#send(nothing, block);
      if (block.last) break;
      await this.#breathe();
    }
    this.#awaitClamd();
  }

  async #breathe(): Promise<void> {
    if (this.#socket.writableLength > 0) await this.#untilWritten();
    // A write to a peer that has closed destroys the socket with the reply still unread in it,
    // and writes can follow each other without a look at what has arrived: look now.
    await eventLoopTurn();
  }

  /** Whether nothing more is to be sent: clamd has spoken, or the connection is done with. */
  get #over(): boolean {
    return this.#settled || this.#receivedBytes > 0 || this.#socket.destroyed;
  }

  /** One system call for a block with all that belongs to it; a small stream is one in all. */
  #send(opening: Buffer, block: Block): void {
    const frame = [
      opening,
      ...(block.bytes > 0 ? [chunkLength(block.bytes), ...block.chunks] : []),
    ];
    if (block.last) frame.push(instreamTerminator);
    this.#sentBytes += block.bytes;
    if (block.last) this.#terminatedAt = this.#settings.clock.monotonic();
    const inPlace = block.bytes >= blockBytes && frame.length <= writtenInPlaceMax;
    this.#socket.cork();
    for (const part of inPlace ? frame : [Buffer.concat(frame)]) {
      this.#socket.write(part, () => this.#written?.());
    }
    this.#socket.uncork();
  }

  async #untilWritten(): Promise<void> {
    if (this.#over) return;
    this.#awaitClamd();
    await new Promise<void>((resolve) => (this.#written = resolve));
    this.#silence?.cancel();
  }

  #awaitClamd(): void {
    const { clock, silenceMs } = this.#settings;
    if (this.#socket.destroyed) return;
    this.#silence = clock.after(silenceMs, () => {
      const words = `clamd was silent for ${silenceMs} ms`;
      this.#giveUp(() => {
        this.#answer({ reply: { kind: 'failed' }, words, silent: true, ...this.#broken });
      });
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > replyBytesMax) this.#socket.destroy();
  }

  readonly #abort = (): void => {
    this.#giveUp(() => {
      this.#result.reject(new Cancelled(cancelCause(this.#signal)));
    });
  };

  /**
   * Ends the scan for the caller. Before the terminator clamd drops what it was sent when the
   * connection goes. After it clamd scans on, so the connection stays as the measure of its work,
   * for as long as clamd may be silent.
   */
  #giveUp(settle: () => void): void {
    if (!this.#settle(settle)) return;
    if (this.#terminatedAt !== undefined) {
      this.#silence = this.#settings.clock.after(this.#settings.silenceMs, () => {
        this.#socket.destroy();
      });
    } else {
      this.#socket.destroy();
    }
  }

  #closed(): void {
    this.#settle(() => {
      this.#answer(this.#heard());
    });
    this.#silence?.cancel();
    this.#settings.released();
  }

  #settle(settle: () => void): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#silence?.cancel();
    this.#signal.removeEventListener('abort', this.#abort);
    settle();
    this.#written?.();
    return true;
  }

  #answer(answer: Answer): void {
    const now = this.#settings.clock.monotonic();
    this.#result.resolve({ ...answer, scanMs: now - (this.#terminatedAt ?? now) });
  }

  get #broken(): { broke?: true } {
    return this.#terminatedAt === undefined ? {} : { broke: true };
  }

  #heard(): Answer {
    const received = Buffer.concat(this.#received);
    const reply = parseReply(received);
    const words = replyWords(received);
    if (received.length === 0) return this.#silentEnd();
    const verdict = reply.kind === 'ok' || reply.kind === 'found';
    if (verdict && this.#terminatedAt === undefined) {
      const early = `'${words}' before the end of the stream`;
      return { reply: { kind: 'failed' }, words: early, unasked: true };
    }
    return { reply, words };
  }

  /** clamd closes a stream beyond StreamMaxLength at once, and its words can be lost to the reset. */
  #silentEnd(): Answer {
    const problem = this.#problem === '' ? '' : ` (${this.#problem})`;
    const words = `closed without an answer after ${this.#sentBytes} bytes${problem}`;
    const tooLong = this.#sentBytes > this.#settings.streamBytesMax;
    if (tooLong) return { reply: { kind: 'size-limit' }, words };
    return { reply: { kind: 'failed' }, words, ...this.#broken };
  }
}
