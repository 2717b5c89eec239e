/** One message that a worker takes apart, as the daemon's own thread serves it. */
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../assert.ts';
import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import { cancelCause } from '../errors.ts';
import type { Apart, ApartSettings } from './apart.ts';
import type { DaemonCalls, WorkerCalls } from './apart-calls.ts';
import type { StreamSource } from './opened-stream.ts';
import { PortCalls } from './port-calls.ts';
import { chunkCalls, remoteChunks, ServedChunks } from './port-chunks.ts';
import { thrownAs } from './port-failure.ts';
import { smallStreamBytes, type StreamScans, type StreamScanSettings } from './stream-scans.ts';

/** What a message is taken apart with. */
export interface ApartWork {
  /** Where all goes that is found and scanned. */
  readonly scans: StreamScans;
  readonly by: StreamScanSettings;
  readonly settings: ApartSettings;
}

/**
 * As `takeApart`, at the other end of the port. It ends when the worker has ended with the message,
 * also after an abort: until then the content is read. Where the worker is gone, streams may still be
 * with clamd until the signal is aborted.
 *
 * @throws {PortClosed} when the worker is gone.
 * @throws as `takeApart`.
 */
export async function runApart(
  port: MessagePort,
  content: Content,
  { scans, by, settings }: ApartWork,
  signal: CancelSignal,
): Promise<Apart> {
  const chunks = new ServedChunks();
  const ours = daemonCalls(content, by, { chunks, signal, worker: () => worker });
  const worker = new PortCalls<WorkerCalls>(port, ours);
  const abort = (): void => {
    worker.tell('abort', cancelCause(signal));
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    const { size, digest } = content;
    const { pastMalware, cache } = by;
    const cached = cache !== undefined;
    const order = { size, digest, settings, pastMalware, cached };
    const small = size <= smallStreamBytes ? await wholeOf(content, signal) : undefined;
    const outcome = await worker.call('takeApart', order, small);
    scans.take(outcome);
    if ('failure' in outcome) throw thrownAs(outcome.failure);
    return outcome.apart;
  } finally {
    signal.removeEventListener('abort', abort);
    chunks.close();
    worker.close();
  }
}

async function wholeOf(content: Content, signal: CancelSignal): Promise<Uint8Array> {
  const bytes = new Uint8Array(content.size);
  let at = 0;
  for await (const chunk of content.chunks(signal, 0, 1)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  assert(at === bytes.length, 'a message is as large as it says');
  return bytes;
}

interface Served {
  readonly chunks: ServedChunks;
  readonly signal: CancelSignal;
  readonly worker: () => PortCalls<WorkerCalls>;
}

function daemonCalls(
  content: Content,
  { pool, cache }: StreamScanSettings,
  { chunks, signal, worker }: Served,
): { [Name in keyof DaemonCalls]: DaemonCalls[Name] } {
  const watches = new Map<number, (digest: string, endpoint: string) => void>();
  return {
    read: (from) => chunks.open(content.chunks(signal, from, 1)),
    ...chunks.calls,
    scan: (stream, repeatable) => pool.scan(sourceOf(stream, repeatable, worker()), signal),
    find: async (digest) => cache?.find(digest),
    watch: (number) => {
      const keep = cache?.watch();
      if (keep) watches.set(number, keep);
    },
    keep: (number, digest, endpoint) => {
      watches.get(number)?.(digest, endpoint);
    },
  };
}

function sourceOf(
  stream: Uint8Array | number,
  repeatable: boolean,
  worker: PortCalls<WorkerCalls>,
): StreamSource {
  if (typeof stream !== 'number') {
    const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.length);
    return { open: () => [bytes], repeatable: true };
  }
  const open = (): AsyncIterable<Buffer> =>
    remoteChunks(() => worker.call('open', stream), chunkCalls(worker));
  return { open, repeatable };
}
