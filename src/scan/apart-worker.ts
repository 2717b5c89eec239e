/** One message that is taken apart here, in a worker: its bytes and clamd are at the port's other end. */
import type { MessagePort } from 'node:worker_threads';
import { Canceller } from '../cancel-signal.ts';
import type { Clock } from '../clock.ts';
import type { Content } from '../content.ts';
import { Cancelled, notNeeded } from '../errors.ts';
import { takeApart } from './apart.ts';
import type { ApartOrder, ApartOutcome, DaemonCalls } from './apart-calls.ts';
import { LentStreams } from './lent-streams.ts';
import { PortCalls } from './port-calls.ts';
import { ServedChunks } from './port-chunks.ts';
import { failureOf } from './port-failure.ts';
import { RemoteContent } from './remote-content.ts';
import { StreamScans, type StreamScanSettings } from './stream-scans.ts';

/** Serves the port until the other end closes it. */
export function serveApart(port: MessagePort, clock: Clock): void {
  const stop = new Canceller();
  const chunks = new ServedChunks();
  const streams = new LentStreams(chunks);
  const ours = {
    takeApart: (order: ApartOrder, small?: Uint8Array) =>
      outcomeOf(order, new RemoteContent(order, daemon, small), { daemon, streams, clock }, stop),
    open: (stream: number) => streams.open(stream),
    ...chunks.calls,
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
  readonly streams: LentStreams;
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

function scanSettings(
  { cached, pastMalware }: ApartOrder,
  daemon: PortCalls<DaemonCalls>,
  streams: LentStreams,
): StreamScanSettings {
  return {
    pool: {
      scan: (source) =>
        streams.lend(source, (stream, repeatable) => daemon.call('scan', stream, repeatable)),
    },
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
