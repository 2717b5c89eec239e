/**
 * Several clamds behind one door: a place in one of them, one stream through it, and when that
 * fails one more try with another. It does not probe the clamds nor wait for one to come back.
 */
import type { Socket } from 'node:net';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import { Cancelled, messageOf, OperationalError } from '../errors.ts';
import type { InstreamReply } from '../protocol/clamd/instream.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ClamdPlaces, type Place } from './clamd-places.ts';
import { ask, dial } from './clamd-socket.ts';
import { scanStream, type StreamAnswer } from './clamd-stream.ts';
import type { LimitAlerts } from './limits-canary.ts';
import { type Block, type Blocks, blocksOf, type Chunks, oneBlock } from './stream-blocks.ts';

export interface ClamdPoolOptions {
  /** At least one. */
  readonly endpoints: readonly ClamdAddress[];
  readonly clock: Clock;
  /** Streams that one clamd works on at once; stays below its MaxThreads (10; Debian 12). */
  readonly inflightMax: number;
  /** clamd's StreamMaxLength. */
  readonly streamBytesMax: number;
  /** From the first try to connect to the connection. */
  readonly connectMs: number;
  /** How long clamd may be silent when it is its turn; longer than its MaxScanTime. */
  readonly silenceMs: number;
}

/** A stream to scan. */
export type StreamSource =
  | {
      /** All its bytes from the first on. */
      open(): Chunks;
      /** Whether `open` gives them again, so that a scan that broke can be tried elsewhere. */
      readonly repeatable: boolean;
    }
  /** All its bytes, at most `blockBytes` of them. */
  | { readonly whole: readonly Buffer[] };

export interface ClamdAnswer {
  readonly reply: InstreamReply;
  /** clamd's words, or what went wrong in ours. */
  readonly words: string;
  /** Which clamd; '' when none could be reached. */
  readonly endpoint: string;
  /** From the first byte sent to the answer. */
  readonly ms: number;
  /** From the last byte sent to the answer: what clamd itself took. */
  readonly scanMs: number;
  /** clamd ended, or hung, while it scanned: perhaps because of this stream. */
  readonly broke?: true;
}

export interface EndpointStatus {
  readonly endpoint: string;
  readonly ok: boolean;
  /** clamd's version with its database's number and date, or what went wrong. */
  readonly detail: string;
  /** Whether it tells of its limits (AlertExceedsMax); absent where that was not asked. */
  readonly limitAlerts?: LimitAlerts;
}

export class ClamdPool {
  readonly #options: ClamdPoolOptions;
  readonly #places: ClamdPlaces;

  constructor(options: ClamdPoolOptions) {
    this.#options = options;
    this.#places = new ClamdPlaces(options.endpoints, options.inflightMax, options.clock);
  }

  /** Streams that the clamds work on, given-up ones included. */
  get inflight(): number {
    return this.#places.inflight;
  }

  /** Streams that wait for a place. */
  get waiting(): number {
    return this.#places.waiting;
  }

  /**
   * Scans one stream. That no clamd could do it is an answer (`failed`), not an error.
   *
   * @throws {Cancelled} when `signal` is aborted.
   * @throws what reading the source throws.
   */
  async scan(source: StreamSource, signal: CancelSignal): Promise<ClamdAnswer> {
    const stream = await OpenedStream.open(source);
    try {
      const first = await this.#attempt(stream, signal);
      if (first.answer.reply.kind !== 'failed' || this.#options.endpoints.length < 2) {
        return first.answer;
      }
      if (!(await stream.rewind())) return first.answer;
      const second = await this.#attempt(stream, signal, first.address);
      return withEarlier(second.answer, first.answer);
    } finally {
      stream.close();
    }
  }

  /** Whether each clamd answers, and which database it has. Never rejects but for an abort. */
  async status(signal: CancelSignal): Promise<readonly EndpointStatus[]> {
    return Promise.all(this.#options.endpoints.map((address) => this.#probe(address, signal)));
  }

  async #attempt(
    stream: OpenedStream,
    signal: CancelSignal,
    except?: ClamdAddress,
  ): Promise<{ answer: ClamdAnswer; address: ClamdAddress }> {
    const place = await this.#places.enter(signal, except);
    const { clock } = this.#options;
    const start = clock.monotonic();
    const answer = await this.#scanAt(place, stream, signal);
    const { address } = place;
    const ms = clock.monotonic() - start;
    return { answer: { ...answer, endpoint: address.name, ms }, address };
  }

  async #scanAt(place: Place, stream: OpenedStream, signal: CancelSignal): Promise<StreamAnswer> {
    const released = (): void => {
      place.leave();
    };
    let socket: Socket;
    try {
      socket = await dial(place.address, this.#options, signal);
    } catch (error) {
      if (error instanceof OperationalError) place.avoid();
      released();
      if (error instanceof OperationalError) return failure(error.message);
      throw error;
    }
    return scanStream(socket, stream.blocks(), { ...this.#options, released }, signal);
  }

  async #probe(address: ClamdAddress, signal: CancelSignal): Promise<EndpointStatus> {
    const endpoint = address.name;
    try {
      const pong = await ask(address, 'PING', this.#options, signal);
      if (pong !== 'PONG') return { endpoint, ok: false, detail: `PING: '${pong}'` };
      return { endpoint, ok: true, detail: await ask(address, 'VERSION', this.#options, signal) };
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      return { endpoint, ok: false, detail: messageOf(error) };
    }
  }
}

function failure(words: string): StreamAnswer {
  return { reply: { kind: 'failed' }, words, scanMs: 0 };
}

/** Both attempts' words, so that a log line tells of the two clamds. */
function withEarlier(answer: ClamdAnswer, earlier: ClamdAnswer): ClamdAnswer {
  if (answer.reply.kind !== 'failed') return answer;
  return { ...answer, words: `${answer.words}; before that ${earlier.endpoint}: ${earlier.words}` };
}

/**
 * A source that is being read. Its first block is there before a place is taken: a small stream
 * whole, so that a slow sender holds no clamd, and a clamd that cannot be reached has cost nothing.
 */
class OpenedStream {
  readonly #source: StreamSource;
  #first: Block;
  #rest: AsyncGenerator<Block, void> | undefined;
  /** Blocks went out, or may have: only opening the source again gives them back. */
  #started = false;

  private constructor(source: StreamSource, { first, rest }: Opened) {
    this.#source = source;
    this.#first = first;
    this.#rest = rest;
  }

  static async open(source: StreamSource): Promise<OpenedStream> {
    return new OpenedStream(source, await opened(source));
  }

  blocks(): Blocks {
    this.#started = true;
    return { first: this.#first, rest: this.#rest };
  }

  /** Back to the first block; false when that is not possible. */
  async rewind(): Promise<boolean> {
    if (!this.#started || this.#first.last) return true;
    if (!('open' in this.#source && this.#source.repeatable)) return false;
    this.close();
    const { rest, first } = await opened(this.#source);
    this.#rest = rest;
    this.#first = first;
    this.#started = false;
    return true;
  }

  /** Not waited for: a source that hangs is ended by the signal it was opened with. */
  close(): void {
    this.#rest?.return().catch(() => undefined);
  }
}

interface Opened {
  readonly first: Block;
  /** Absent where the source has all in one block. */
  readonly rest?: AsyncGenerator<Block, void>;
}

async function opened(source: StreamSource): Promise<Opened> {
  if ('whole' in source) return { first: oneBlock(source.whole) };
  const rest = blocksOf(source.open());
  const { value: first } = await rest.next();
  if (first === undefined) throw new Error('a stream has a last block');
  return { rest, first };
}
