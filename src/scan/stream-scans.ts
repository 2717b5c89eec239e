/**
 * Sends the byte strings of one message to clamd, each once, and keeps what was said of them:
 * whoever takes the message apart (part-scan.ts, reading-scan.ts) comes here with the pieces.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Finding } from '../verdict/finding.ts';
import type { ClamdAnswer, ClamdPool, StreamSource } from './clamd-pool.ts';
import type { ScannedStream } from './scanner.ts';
import { type ClamdCeilings, findingsOf, isDecided } from './stream-findings.ts';

/** A byte string up to this size is held in memory until it is answered, and can be sent again. */
export const smallStreamBytes = 256 * 1024;

export interface StreamScanSettings {
  readonly pool: ClamdPool;
  readonly ceilings: ClamdCeilings;
  /** Whether what lies behind malware is scanned, too. */
  readonly everyPart: boolean;
}

/** How a stream is called in findings and explanations. */
export type StreamName = Pick<ScannedStream, 'stream' | 'label'>;
export type StreamSize = Pick<ScannedStream, 'bytes' | 'digest'>;

export class StreamScans {
  readonly findings: Finding[] = [];
  readonly streams: ScannedStream[] = [];
  readonly #answered = new Map<string, ScannedStream>();
  readonly #settings: StreamScanSettings;
  readonly #signal: CancelSignal;

  constructor(settings: StreamScanSettings, signal: CancelSignal) {
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Whether more scanning would change nothing that is done with the message. */
  get decided(): boolean {
    return isDecided(this.findings, this.#settings.everyPart);
  }

  /** The stream with these bytes that was answered already. */
  known(digest: string): ScannedStream | undefined {
    return this.#answered.get(digest);
  }

  /** @throws {Cancelled} when the signal is aborted. @throws what reading the source throws. */
  send(source: StreamSource): Promise<ClamdAnswer> {
    return this.#settings.pool.scan(source, this.#signal);
  }

  /** Keeps what clamd said about a stream. */
  record(name: StreamName, size: StreamSize, answer: ClamdAnswer): void {
    const { words, endpoint, ms } = answer;
    const scanned = { ...name, ...size, answer: words, endpoint, ms };
    this.streams.push(scanned);
    this.#answered.set(size.digest, scanned);
    this.findings.push(...findingsOf(name.stream, size.bytes, answer, this.#settings.ceilings));
  }

  /** Keeps that a stream has the bytes of `known`. */
  repeat(name: StreamName, known: ScannedStream): void {
    this.streams.push({ ...known, ...name, sameAs: known.stream });
  }
}
