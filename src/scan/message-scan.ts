/**
 * Scans messages with clamd: the whole while it arrives, then each decoded part, then what else a
 * lenient client takes from it. It turns whatever
 * goes wrong with a scan into findings; what is to be done about them is verdict/.
 */
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled, notNeeded } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { defaultReadingLimits } from '../reading/plan.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { Finding } from '../verdict/finding.ts';
import type { ClamdAddress } from './clamd-address.ts';
import {
  type ClamdAnswer,
  ClamdPool,
  type EndpointStatus,
  type StreamSource,
} from './clamd-pool.ts';
import { Inspections } from './inspections.ts';
import { PartScan } from './part-scan.ts';
import { PlainMessageProof } from './plain-message.ts';
import { ReadingScan } from './reading-scan.ts';
import type { MessageScanner, MimePart, ScanReport } from './scanner.ts';
import { blockBytes, oneBlock } from './stream-blocks.ts';
import { type ClamdCeilings, findingsOf } from './stream-findings.ts';
import { StreamScans } from './stream-scans.ts';

export interface ClamdSettings extends ClamdCeilings {
  /** Streams that one clamd works on at once; stays below its MaxThreads (10; Debian 12). */
  readonly inflightMax: number;
  /** From the first try to connect to the connection. */
  readonly connectMs: number;
}

export interface MessageScanOptions {
  /** At least one. */
  readonly endpoints: readonly ClamdAddress[];
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'scanMs' | 'partsMax' | 'partDepthMax' | 'readingsMax'>;
  readonly clamd: ClamdSettings;
  /** What may not pass; nothing is looked at for it where there is no rule. */
  readonly banned?: readonly BannedRule[];
  /** To explain a message: its parts are scanned although malware was found already. */
  readonly everyPart?: boolean;
}

const MiB = 1024 * 1024;

/** Debian's clamd.conf, which is stricter than ClamAV's own defaults. */
export const defaultClamdSettings: ClamdSettings = {
  streamBytesMax: 25 * MiB,
  fileBytesMax: 25 * MiB,
  scanMsMax: 120_000,
  inflightMax: 8,
  connectMs: 5000,
};

/**
 * clamd takes for mail what begins like mail, and a message may begin with a field it has never
 * heard of: then it would not look into the attachments. With mbox's first line it always does.
 * (clamav-milter does the same.) These bytes count in clamd's limits.
 */
export const mailPrefix = Buffer.from('From clamgate\r\n', 'latin1');

/** clamd ends a scan at MaxScanTime, but looks at the clock only now and then. */
const silenceBeyondScanMs = 30_000;

export class MessageScan implements MessageScanner {
  readonly #options: MessageScanOptions;
  readonly #pool: ClamdPool;

  constructor(options: MessageScanOptions) {
    const { endpoints, clock, clamd } = options;
    this.#options = options;
    this.#pool = new ClamdPool({
      endpoints,
      clock,
      inflightMax: clamd.inflightMax,
      streamBytesMax: clamd.streamBytesMax,
      connectMs: clamd.connectMs,
      silenceMs: clamd.scanMsMax + silenceBeyondScanMs,
    });
  }

  /** Whether each clamd answers, and which database it has. @throws {Cancelled} */
  status(signal: CancelSignal): Promise<readonly EndpointStatus[]> {
    return this.#pool.status(signal);
  }

  /** Streams the clamds work on now, and streams that wait for one of them. */
  get load(): { readonly inflight: number; readonly waiting: number } {
    return { inflight: this.#pool.inflight, waiting: this.#pool.waiting };
  }

  scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport> {
    return new ScanRun(this.#options, this.#pool, signal).run(content, takesApart);
  }
}

interface ReadThrough {
  readonly bytes: number;
  /** The only part of a message that has nothing to decode. */
  readonly plain: MimePart | undefined;
}

/** The scan of one message. */
class ScanRun {
  readonly #options: MessageScanOptions;
  readonly #pool: ClamdPool;
  readonly #outer: CancelSignal;
  /** Ends everything that is at work for this message. */
  readonly #stop = new Canceller();
  readonly #scans: StreamScans;
  readonly #parts: PartScan;
  readonly #readings: ReadingScan;
  readonly #inspections: Inspections;
  #limit: Timer | undefined;
  #timedOut = false;

  constructor(options: MessageScanOptions, pool: ClamdPool, outer: CancelSignal) {
    this.#options = options;
    this.#pool = pool;
    this.#outer = outer;
    const { limits, clamd: ceilings, banned = [], everyPart = false } = options;
    const { signal } = this.#stop;
    this.#scans = new StreamScans({ pool, ceilings, everyPart }, signal);
    this.#parts = new PartScan(this.#scans, limits, signal);
    const { readingsMax } = limits;
    this.#inspections = new Inspections(this.#scans.findings, { banned, show: everyPart });
    const readings = {
      limits: { ...defaultReadingLimits, readingsMax },
      show: everyPart,
      inspections: this.#inspections,
    };
    this.#readings = new ReadingScan(this.#scans, readings, signal);
  }

  async run(content: Content, takesApart?: () => void): Promise<ScanReport> {
    const abort = (): void => {
      this.#stop.abort(new Cancelled(cancelCause(this.#outer)));
    };
    this.#outer.addEventListener('abort', abort, { once: true });
    if (this.#outer.aborted) abort();
    try {
      return await this.#scan(content, takesApart);
    } catch (error) {
      // One of the two readers failed: the other is called off.
      this.#stop.abort(notNeeded);
      if (this.#outer.aborted || !this.#timedOut) throw error;
      return this.#report([], [this.#unfinished()]);
    } finally {
      this.#outer.removeEventListener('abort', abort);
      this.#limit?.cancel();
    }
  }

  async #scan(content: Content, takesApart?: () => void): Promise<ScanReport> {
    const [{ bytes, plain }, answer] = await this.#message(content);
    const { words, endpoint, ms } = answer;
    this.#scans.streams.push({
      stream: 'message',
      label: '',
      bytes,
      digest: content.digest,
      answer: words,
      endpoint,
      ms,
    });
    const sent = bytes + mailPrefix.length;
    this.#scans.findings.push(...findingsOf('message', sent, answer, this.#options.clamd));
    if (plain !== undefined) return this.#report(this.#called([plain]));
    if (this.#scans.decided) return this.#report([]);
    takesApart?.();
    return this.#takenApart(content);
  }

  async #takenApart(content: Content): Promise<ScanReport> {
    await this.#parts.message(content.chunks(this.#stop.signal), '');
    const parts = this.#called(this.#parts.parts);
    if (!this.#scans.decided) await this.#readings.message(content);
    return this.#report(parts);
  }

  /** Holds what the parts are called to the rules. */
  #called(parts: readonly MimePart[]): readonly MimePart[] {
    for (const { number, filename, contentType } of parts) {
      const names = filename === undefined ? [] : [filename];
      this.#inspections.named({
        stream: number === '' ? 'message' : number,
        names,
        types: [contentType],
      });
    }
    return parts;
  }

  /** The message as it stands: what reading it shows, and what clamd says. */
  async #message(content: Content): Promise<readonly [ReadThrough, ClamdAnswer]> {
    const small = await smallContent(content, this.#stop.signal);
    if (!small) return Promise.all([this.#read(content), this.#whole(content)]);
    return [this.#readSmall(small), await this.#pool.scan(wholeOf(small), this.#stop.signal)];
  }

  /** Reads the message to its end, however clamd fares with it: the time limit starts there. */
  async #read(content: Content): Promise<ReadThrough> {
    const proof = new PlainMessageProof();
    let bytes = 0;
    for await (const chunk of content.chunks(this.#stop.signal)) {
      proof.update(chunk);
      bytes += chunk.length;
    }
    this.#startLimit();
    return { bytes, plain: plainPart(proof) };
  }

  /** The same of one that is there whole. */
  #readSmall(chunks: readonly Buffer[]): ReadThrough {
    const proof = new PlainMessageProof();
    for (const chunk of chunks) proof.update(chunk);
    this.#startLimit();
    return { bytes: oneBlock(chunks).bytes, plain: plainPart(proof) };
  }

  #startLimit(): void {
    this.#limit = this.#options.clock.after(this.#options.limits.scanMs, () => {
      this.#timedOut = true;
      this.#stop.abort(notNeeded);
    });
  }

  #whole(content: Content): Promise<ClamdAnswer> {
    const { signal } = this.#stop;
    const source = { open: () => withPrefix(content.chunks(signal)), repeatable: true };
    return this.#pool.scan(source, signal);
  }

  #unfinished(): Finding {
    const detail = `not scanned within ${this.#options.limits.scanMs} ms of the end of data`;
    return { kind: 'unavailable', broke: true, stream: 'message', detail };
  }

  #report(parts: readonly MimePart[], more: readonly Finding[] = []): ScanReport {
    return {
      findings: [...this.#scans.findings, ...more],
      streams: this.#scans.streams,
      parts,
      ...(this.#options.everyPart && {
        readings: this.#readings.shown,
        contents: this.#inspections.shown,
      }),
    };
  }
}

function plainPart(proof: PlainMessageProof): MimePart | undefined {
  if (!proof.holds) return undefined;
  return { number: '1', contentType: 'text/plain', bytes: proof.bodyBytes };
}

/**
 * All of a message that is no more than one block for clamd, once it has arrived: it has not to be
 * read by two at once. Undefined as soon as it is larger, so that it is sent on while it arrives.
 */
async function smallContent(
  content: Content,
  signal: CancelSignal,
): Promise<readonly Buffer[] | undefined> {
  const chunks: Buffer[] = [];
  let bytes = mailPrefix.length;
  for await (const chunk of content.chunks(signal)) {
    bytes += chunk.length;
    if (bytes > blockBytes) return undefined;
    chunks.push(chunk);
  }
  return chunks;
}

function wholeOf(chunks: readonly Buffer[]): StreamSource {
  return { whole: [mailPrefix, ...chunks] };
}

async function* withPrefix(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield mailPrefix;
  yield* chunks;
}
