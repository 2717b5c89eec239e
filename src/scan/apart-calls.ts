/** What the daemon's own thread and a worker that takes a message apart ask of each other. */
import type { CancelCause } from '../errors.ts';
import type { Finding } from '../verdict/finding.ts';
import type { Apart, ApartSettings } from './apart.ts';
import type { Failure } from './port-failure.ts';
import type { ChunkCalls } from './port-chunks.ts';
import type { ScannedStream } from './scanner.ts';
import type { ClamdAnswer } from './stream-attempts.ts';
import type { Kept } from './verdict-cache.ts';

export interface ApartOrder {
  /** Of the message. */
  readonly size: number;
  readonly digest: string;
  readonly settings: ApartSettings;
  /** As StreamScanSettings.pastMalware. */
  readonly pastMalware: boolean;
  /** Whether answers of earlier messages may be used. */
  readonly cached: boolean;
}

/** What was done until it was taken apart, or until that failed. */
export type ApartOutcome = {
  readonly findings: readonly Finding[];
  readonly streams: readonly ScannedStream[];
} & ({ readonly apart: Apart } | { readonly failure: Failure });

/** What the worker asks of the daemon. */
export interface DaemonCalls extends ChunkCalls {
  /** The message's chunks from an offset on: @returns the reader's number. */
  read(from: number): number;
  /** Scans a stream: its bytes, or the number by which the worker is asked for it. */
  scan(stream: Uint8Array | number, repeatable: boolean): Promise<ClamdAnswer>;
  /** As MessageCache. */
  find(digest: string): Promise<Kept | undefined>;
  /** `keep` with the same number goes to what this came to. */
  watch(number: number): void;
  keep(number: number, digest: string, endpoint: string): void;
}

/** What the daemon asks of the worker, for one message. */
export interface WorkerCalls extends ChunkCalls {
  /** To be called once. @param small all of a message that is not large; else it is asked for. */
  takeApart(order: ApartOrder, small?: Uint8Array): Promise<ApartOutcome>;
  /** A stream from its first byte on: @returns the reader's number. */
  open(stream: number): number;
  abort(why: CancelCause): void;
}
