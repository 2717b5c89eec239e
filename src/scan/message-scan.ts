/**
 * Scans messages with clamd: the whole while it arrives, then each decoded part, then what else a
 * lenient client takes from it. It turns whatever goes wrong with a scan into findings; what is to be
 * done about them is verdict/.
 */
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import { unlessAborted } from '../cancellable.ts';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled, notNeeded } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { defaultReadingLimits } from '../reading/plan.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { Finding } from '../verdict/finding.ts';
import { brisk, SlowSender } from './brisk.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ClamdPool } from './clamd-pool.ts';
import { type ClamdSettings, type KnownOfClamd, poolSettingsOf } from './clamd-settings.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import { Inspections } from './inspections.ts';
import { PartScan } from './part-scan.ts';
import { PlainMessageProof } from './plain-message.ts';
import { ReadingScan } from './reading-scan.ts';
import type { MessageScanner, MimePart, ScanReport } from './scanner.ts';
import { mailPrefix, smallContent, wholeOf, withPrefix } from './mail-stream.ts';
import { oneBlock } from './stream-blocks.ts';
import type { ClamdAnswer } from './stream-attempts.ts';
import { findingsOf, strictest } from './stream-findings.ts';
import { StreamScans, type StreamScanSettings } from './stream-scans.ts';
import { type CacheSettings, VerdictCache } from './verdict-cache.ts';

export interface MessageScanOptions {
  /** What it scans with, where that outlives it. */
  readonly pool?: ClamdPool;
  /** Else it has a pool of its own, of these. */
  readonly endpoints?: readonly ClamdAddress[];
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'scanMs' | 'partsMax' | 'partDepthMax' | 'readingsMax'>;
  readonly clamd: ClamdSettings;
  /** What may not pass; nothing is looked at for it where there is no rule. */
  readonly banned?: readonly BannedRule[];
  /** What is known of single clamds beside it. */
  readonly known?: KnownOfClamd;
  /** Without it every part is sent, however often it comes. */
  readonly cache?: CacheSettings | undefined;
  /** To explain a message: its parts are scanned although malware was found already. */
  readonly everyPart?: boolean;
}

export class MessageScan implements MessageScanner {
  readonly #options: MessageScanOptions;
  readonly #pool: ClamdPool;
  readonly #cache: VerdictCache | undefined;

  constructor(options: MessageScanOptions) {
    const { endpoints = [], clock, clamd, known, cache } = options;
    this.#options = options;
    const members = endpoints.map((address) => ({ address, weight: 1 }));
    this.#pool =
      options.pool ??
      new ClamdPool(poolSettingsOf(members, clamd, known), { clock, random: Math.random });
    this.#cache = cache && new VerdictCache(cache, this.#pool.versions, clock);
  }

  /** How each clamd is, as far as is known without asking. */
  get status(): readonly EndpointStatus[] {
    return this.#pool.status;
  }

  /** Looks at the clamds once: for who scans a message or two and goes. Never rejects. */
  look(): Promise<void> {
    return this.#pool.look();
  }

  /** Ends what goes on in the background of a pool of its own. Scans that are under way go on. */
  close(): void {
    if (!this.#options.pool) this.#pool.close();
  }

  /** Streams the clamds work on now, and streams that wait for one of them. */
  get load(): { readonly inflight: number; readonly waiting: number } {
    const { inflight, waiting } = this.#pool.load;
    return { inflight, waiting };
  }

  scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport> {
    const { clamd, known, everyPart = false } = this.#options;
    const settings = {
      pool: this.#pool,
      everyPart,
      ceilings: (endpoint: string) => strictest(clamd, known?.ceilings(endpoint)),
      alerts: (endpoint: string) => this.#pool.alerts(endpoint),
      cache: this.#cache?.forMessage(),
    };
    return new ScanRun(this.#options, settings, signal).run(content, takesApart);
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
  readonly #settings: StreamScanSettings;
  readonly #outer: CancelSignal;
  /** Ends everything that is at work for this message. */
  readonly #stop = new Canceller();
  readonly #scans: StreamScans;
  readonly #parts: PartScan;
  readonly #readings: ReadingScan;
  readonly #inspections: Inspections;
  #limit: Timer | undefined;
  /** Where the time limit found it. */
  #timedOut: 'in the line' | 'at clamd' | undefined;
  /** Resolved when all of the message is there. */
  readonly #arrived = Promise.withResolvers<undefined>();

  constructor(options: MessageScanOptions, settings: StreamScanSettings, outer: CancelSignal) {
    this.#options = options;
    this.#settings = settings;
    this.#outer = outer;
    const { limits, banned = [] } = options;
    const { signal } = this.#stop;
    this.#scans = new StreamScans(settings, signal);
    this.#parts = new PartScan(this.#scans, limits, signal);
    const { readingsMax } = limits;
    this.#inspections = new Inspections(this.#scans.findings, { banned, show: settings.everyPart });
    const readings = {
      limits: { ...defaultReadingLimits, readingsMax },
      show: settings.everyPart,
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
      if (this.#outer.aborted || this.#timedOut === undefined) throw error;
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
    if (this.#settings.pool.hasOldSignatures(endpoint)) {
      const detail = `the signatures of ${endpoint} are too old`;
      this.#scans.findings.push({ kind: 'old-signatures', stream: 'message', detail });
    }
    const sent = bytes + mailPrefix.length;
    const ceilings = this.#settings.ceilings(endpoint);
    this.#scans.findings.push(...findingsOf('message', sent, answer, ceilings));
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
    return [
      this.#readSmall(small),
      await this.#settings.pool.scan(wholeOf(small), this.#stop.signal),
    ];
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
    this.#arrived.resolve(undefined);
    this.#limit = this.#options.clock.after(this.#options.limits.scanMs, () => {
      this.#timedOut = this.#settings.pool.isWaiting(this.#stop.signal)
        ? 'in the line'
        : 'at clamd';
      this.#stop.abort(notNeeded);
    });
  }

  /** While it arrives, if that goes fast. */
  async #whole(content: Content): Promise<ClamdAnswer> {
    const { signal } = this.#stop;
    const open = (): AsyncIterable<Buffer> => withPrefix(content.chunks(signal));
    const { pool } = this.#settings;
    const { clock } = this.#options;
    const hurried = (): AsyncIterable<Buffer> => (content.complete ? open() : brisk(open(), clock));
    try {
      return await pool.scan({ open: hurried, repeatable: true }, signal);
    } catch (error) {
      if (!(error instanceof SlowSender)) throw error;
    }
    await unlessAborted(this.#arrived.promise, signal);
    return pool.scan({ open, repeatable: true }, signal);
  }

  #unfinished(): Finding {
    const detail = `not scanned within ${this.#options.limits.scanMs} ms of the end of data`;
    // Who waited for a clamd has not broken one.
    const broke = this.#timedOut === 'at clamd' && { broke: true as const };
    return { kind: 'unavailable', ...broke, stream: 'message', detail };
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
