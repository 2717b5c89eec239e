/**
 * Sends the byte strings of one message to clamd, each once, and keeps what was said of them:
 * whoever takes the message apart (part-scan.ts, reading-scan.ts) comes here with the pieces.
 */
import type { CancelSignal } from '../cancel-signal.ts';
import type { Finding } from '../verdict/finding.ts';
import type { ClamdAnswer } from './stream-attempts.ts';
import type { ClamdPool } from './clamd-pool.ts';
import type { ClamdWorth } from './clamd-worth.ts';
import type { StreamSource } from './opened-stream.ts';
import type { ScannedStream, ScanReport } from './scanner.ts';
import { findingsOf, isDecided, silenceOf } from './stream-findings.ts';
import type { MessageCache } from './verdict-cache.ts';

/** A byte string up to this size is held in memory until it is answered, and can be sent again. */
export const smallStreamBytes = 256 * 1024;

export interface StreamScanSettings {
  readonly pool: Pick<ClamdPool, 'scan'>;
  /** Where answers of earlier messages may be used. */
  readonly cache?: Pick<MessageCache, 'find' | 'watch'> | undefined;
  /** Whether what lies behind malware is scanned, too. */
  readonly pastMalware: boolean;
}

/** How a stream is called in findings and explanations. */
export type StreamName = Pick<ScannedStream, 'stream' | 'label'>;
export interface StreamContent extends Pick<ScannedStream, 'bytes' | 'digest'> {
  /** What it is to clamd, which opens it (container.ts). */
  readonly container: string | undefined;
}

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
    return isDecided(this.findings, this.#settings.pastMalware);
  }

  /** The stream with these bytes that was answered already. */
  known(digest: string): ScannedStream | undefined {
    return this.#answered.get(digest);
  }

  /**
   * Scans a stream whose digest is known, and keeps what clamd says of it, or said of it lately.
   *
   * @throws {Cancelled} when the signal is aborted. @throws what reading the source throws.
   */
  async scan(name: StreamName, content: StreamContent, source: StreamSource): Promise<void> {
    const { cache } = this.#settings;
    const { bytes, digest } = content;
    const kept = await cache?.find(digest);
    if (kept) {
      const answer = { answer: 'stream: OK', endpoint: kept.endpoint, ms: 0, cached: true };
      this.#keep({ ...name, bytes, digest, ...answer });
      this.tellAge(name.stream, kept.endpoint, kept);
      return;
    }
    const keep = cache?.watch();
    const answer = await this.send(source);
    const found = this.record(name, content, answer, cache && { cached: false });
    if (answer.reply.kind === 'ok' && found.length === 0) keep?.(digest, answer.endpoint);
  }

  /** @throws {Cancelled} when the signal is aborted. @throws what reading the source throws. */
  send(source: StreamSource): Promise<ClamdAnswer> {
    return this.#settings.pool.scan(source, this.#signal);
  }

  /**
   * Keeps what clamd said about a stream.
   *
   * @param asked whether it was looked for among earlier answers.
   * @returns what that means, but for the age of signatures, which is not the stream's.
   */
  record(
    name: StreamName,
    content: StreamContent,
    answer: ClamdAnswer,
    asked?: Pick<ScannedStream, 'cached'>,
  ): readonly Finding[] {
    const { words, endpoint, ms } = answer;
    const { bytes, digest, container } = content;
    this.#keep({ ...name, bytes, digest, answer: words, endpoint, ms, ...asked });
    this.tellAge(name.stream, endpoint, answer.worth);
    const findings = [
      ...findingsOf(name.stream, bytes, answer),
      ...silenceOf(name.stream, container, answer),
    ];
    this.findings.push(...findings);
    return findings;
  }

  /** That a clamd has old signatures is told once of each. */
  tellAge(
    stream: string,
    endpoint: string,
    { hasOldSignatures }: Pick<ClamdWorth, 'hasOldSignatures'>,
  ): void {
    if (!hasOldSignatures) return;
    const detail = `the signatures of ${endpoint} are too old`;
    this.#add({ kind: 'old-signatures', stream, detail });
  }

  #add(finding: Finding): void {
    const { kind, detail } = finding;
    const isTold = this.findings.some((one) => one.kind === kind && one.detail === detail);
    if (kind !== 'old-signatures' || !isTold) this.findings.push(finding);
  }

  /** Takes over what was scanned and found elsewhere, for the same message. */
  take({ findings, streams }: Pick<ScanReport, 'findings' | 'streams'>): void {
    for (const finding of findings) this.#add(finding);
    this.streams.push(...streams);
  }

  #keep(scanned: ScannedStream): void {
    this.streams.push(scanned);
    this.#answered.set(scanned.digest, scanned);
  }

  /** Keeps that a stream has the bytes of `known`. */
  repeat(name: StreamName, known: ScannedStream): void {
    this.streams.push({ ...known, ...name, sameAs: known.stream });
  }
}
