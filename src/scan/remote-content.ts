/** A message whose bytes are in another thread. */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled } from '../errors.ts';
import type { ApartOrder, DaemonCalls } from './apart-calls.ts';
import type { PortCalls } from './port-calls.ts';
import { chunkCalls, remoteChunks } from './port-chunks.ts';

/** It lies with the daemon, where it is not small. */
export class RemoteContent implements Content {
  readonly complete = true;
  readonly size: number;
  readonly digest: string;
  readonly #daemon: PortCalls<DaemonCalls>;
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
  }

  async *chunks(signal: CancelSignal, from = 0): AsyncGenerator<Buffer, void> {
    const daemon = this.#daemon;
    if (!this.#small) {
      yield* remoteChunks(() => daemon.call('read', from), chunkCalls(daemon));
      return;
    }
    if (signal.aborted) throw new Cancelled(cancelCause(signal));
    const rest = this.#small.subarray(from);
    if (rest.length > 0) yield rest;
  }
}
