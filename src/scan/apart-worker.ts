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
import { smallStreamBytes, StreamScans, type StreamScanSettings } from './stream-scans.ts';

/** Serves the port until the other end closes it. */
export function serveApart(port: MessagePort, clock: Clock): void {
  const stop = new Canceller();
  const chunks = new ServedChunks();
  const streams = new Streams();
  const ours = {
    takeApart: (order: ApartOrder) => outcomeOf(order, { daemon, streams, clock }, stop.signal),
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
  { daemon, streams, clock }: Parts,
  signal: CancelSignal,
): Promise<ApartOutcome> {
  const scans = new StreamScans(scanSettings(order, daemon, streams), signal);
  const { findings, streams: scanned } = scans;
  const content = new RemoteContent(order, daemon);
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

/** Streams that are being scanned, by numbers. */
class Streams {
  readonly #sources = new Map<number, Extract<StreamSource, { repeatable: boolean }>>();
  #count = 0;

  /** @param scan given the stream's bytes where they are few, else the number for `open`. */
  async lend<T>(
    source: StreamSource,
    scan: (stream: Uint8Array | number, repeatable: boolean) => Promise<T>,
  ): Promise<T> {
    if ('whole' in source) return scan(new Uint8Array(Buffer.concat(source.whole)), true);
    const number = ++this.#count;
    this.#sources.set(number, source);
    try {
      return await scan(number, source.repeatable);
    } finally {
      this.#sources.delete(number);
    }
  }

  open(number: number): ReturnType<Extract<StreamSource, { repeatable: boolean }>['open']> {
    // It may have been answered, or called off, before it was asked for.
    return this.#sources.get(number)?.open() ?? [];
  }
}

/** The message, which lies with the daemon; a small one is fetched once for all its readers. */
class RemoteContent implements Content {
  readonly complete = true;
  readonly size: number;
  readonly digest: string;
  readonly #daemon: PortCalls<DaemonCalls>;
  readonly #calls: ChunkCalls;
  #small: Promise<Buffer> | undefined;

  constructor({ size, digest }: ApartOrder, daemon: PortCalls<DaemonCalls>) {
    this.size = size;
    this.digest = digest;
    this.#daemon = daemon;
    this.#calls = {
      next: (reader) => daemon.call('next', reader),
      leave: (reader) => {
        daemon.tell('leave', reader);
      },
    };
  }

  async *chunks(signal: CancelSignal, from = 0): AsyncGenerator<Buffer, void> {
    if (this.size <= smallStreamBytes) {
      this.#small ??= this.#whole();
      const rest = (await this.#small).subarray(from);
      if (signal.aborted) throw new Cancelled(cancelCause(signal));
      if (rest.length > 0) yield rest;
      return;
    }
    yield* remoteChunks(() => this.#daemon.call('read', from), this.#calls);
  }

  async #whole(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const all = remoteChunks(() => this.#daemon.call('read', 0), this.#calls);
    for await (const chunk of all) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}
