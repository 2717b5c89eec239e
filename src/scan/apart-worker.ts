/** One message that is taken apart here, in a worker: its bytes and clamd are at the port's other end. */
import type { MessagePort } from 'node:worker_threads';
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Content } from '../content.ts';
import { Cancelled, cancelCause, notNeeded } from '../errors.ts';
import { takeApart } from './apart.ts';
import type { ApartOrder, ApartOutcome, DaemonCalls, KnownAnswer } from './apart-calls.ts';
import type { StreamSource } from './opened-stream.ts';
import { PortCalls } from './port-calls.ts';
import { type ChunkCalls, remoteChunks, ServedChunks } from './port-chunks.ts';
import { failureOf } from './port-failure.ts';
import type { Chunks } from './stream-blocks.ts';
import { StreamScans, type StreamScanSettings } from './stream-scans.ts';

/** Serves the port until the other end closes it. */
export function serveApart(port: MessagePort, clock: Clock): void {
  const stop = new Canceller();
  const chunks = new ServedChunks();
  const streams = new Streams();
  const ours = {
    takeApart: (order: ApartOrder, small?: Uint8Array) =>
      outcomeOf(order, new RemoteContent(order, daemon, small), { daemon, streams, clock }, stop),
    open: (stream: number) => chunks.open(streams.open(stream)),
    next: (reader: number) => chunks.next(reader),
    leave: (reader: number) => {
      chunks.leave(reader);
    },
    abort: (why: Cancelled['why']) => {
      stop.abort(new Cancelled(why));
    },
  };
  const daemon = new PortCalls<DaemonCalls>(port, ours, () => {
    stop.abort(notNeeded);
    chunks.close();
  });
}

interface Parts {
  readonly daemon: PortCalls<DaemonCalls>;
  readonly streams: Streams;
  readonly clock: Clock;
}

async function outcomeOf(
  order: ApartOrder,
  content: Content,
  { daemon, streams, clock }: Parts,
  { signal }: Canceller,
): Promise<ApartOutcome> {
  const scans = new StreamScans(scanSettings(order, daemon, streams), signal);
  const { findings, streams: scanned } = scans;
  try {
    const apart = await takeApart(content, scans, order.settings, { clock, signal });
    return { findings, streams: scanned, apart };
  } catch (error) {
    return { findings, streams: scanned, failure: failureOf(error) };
  }
}

/** What was scanned with which clamd is told with its answer, so it is known when it is asked for. */
function scanSettings(
  { cached, pastMalware }: ApartOrder,
  daemon: PortCalls<DaemonCalls>,
  streams: Streams,
): StreamScanSettings {
  const seen = new Map<string, KnownAnswer>();
  const known = (endpoint: string): KnownAnswer => {
    const answer = seen.get(endpoint);
    if (!answer) throw new Error(`${endpoint} has answered nothing`);
    return answer;
  };
  return {
    pool: {
      scan: async (source) => {
        const answer = await streams.lend(source, (stream, repeatable) =>
          daemon.call('scan', stream, repeatable),
        );
        seen.set(answer.answer.endpoint, answer);
        return answer.answer;
      },
    },
    ceilings: (endpoint) => known(endpoint).ceilings,
    alerts: (endpoint) => known(endpoint).alerts,
    cache: cached ? remoteCache(daemon) : undefined,
    pastMalware,
  };
}

function remoteCache(daemon: PortCalls<DaemonCalls>): NonNullable<StreamScanSettings['cache']> {
  let watches = 0;
  return {
    find: (digest) => daemon.call('find', digest),
    watch: () => {
      const watch = ++watches;
      // It arrives before the bytes do.
      daemon.tell('watch', watch);
      return (digest, endpoint) => {
        daemon.tell('keep', watch, digest, endpoint);
      };
    },
  };
}

interface Lent {
  readonly source: Extract<StreamSource, { repeatable: boolean }>;
  /** As it was opened to be looked at. */
  chunks: Chunks | undefined;
}

/** Streams that are being scanned, by numbers. */
class Streams {
  readonly #lent = new Map<number, Lent>();
  #count = 0;

  /** @param scan given the stream's bytes where they are there, else the number for `open`. */
  async lend<T>(
    source: StreamSource,
    scan: (stream: Uint8Array | number, repeatable: boolean) => Promise<T>,
  ): Promise<T> {
    if ('whole' in source) return scan(copyOf(source.whole), true);
    const chunks = source.open();
    if (Array.isArray(chunks)) return scan(copyOf(chunks as Buffer[]), true);
    const number = ++this.#count;
    this.#lent.set(number, { source, chunks });
    try {
      return await scan(number, source.repeatable);
    } finally {
      this.#lent.delete(number);
    }
  }

  open(number: number): Chunks {
    const lent = this.#lent.get(number);
    // It may have been answered, or called off, before it was asked for.
    if (!lent) return [];
    const { source, chunks = source.open() } = lent;
    lent.chunks = undefined;
    return chunks;
  }
}

/** What can be given away. */
function copyOf(chunks: readonly Buffer[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

/** The message, which lies with the daemon, where it is not small. */
class RemoteContent implements Content {
  readonly complete = true;
  readonly size: number;
  readonly digest: string;
  readonly #daemon: PortCalls<DaemonCalls>;
  readonly #calls: ChunkCalls;
  readonly #small: Buffer | undefined;

  constructor(
    { size, digest }: ApartOrder,
    daemon: PortCalls<DaemonCalls>,
    small: Uint8Array | undefined,
  ) {
    this.size = size;
    this.digest = digest;
    this.#small = small && Buffer.from(small.buffer, small.byteOffset, small.length);
    this.#daemon = daemon;
    this.#calls = {
      next: (reader) => daemon.call('next', reader),
      leave: (reader) => {
        daemon.tell('leave', reader);
      },
    };
  }

  async *chunks(signal: CancelSignal, from = 0): AsyncGenerator<Buffer, void> {
    if (!this.#small) {
      yield* remoteChunks(() => this.#daemon.call('read', from), this.#calls);
      return;
    }
    if (signal.aborted) throw new Cancelled(cancelCause(signal));
    const rest = this.#small.subarray(from);
    if (rest.length > 0) yield rest;
  }
}
