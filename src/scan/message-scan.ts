/**
 * Scans messages with clamd: the whole while it arrives, then each decoded part, then what else a
 * lenient client takes from it. It turns whatever
 * goes wrong with a scan into findings; what is to be done about them is verdict/.
 */
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Content } from '../content.ts';
import { cancelCause, Cancelled, notNeeded } from '../errors.ts';
import type { Leave } from '../waiting-line.ts';
import type { Limits } from '../limits.ts';
import { defaultReadingLimits } from '../reading/plan.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { Finding } from '../verdict/finding.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { type ClamdAnswer, ClamdPool, type EndpointStatus } from './clamd-pool.ts';
import { Inspections } from './inspections.ts';
import { DatabaseVersions, type VersionSettings } from './database-versions.ts';
import { type AlertsObserver, EndpointWatch } from './endpoint-watch.ts';
import { PartScan } from './part-scan.ts';
import { inSlices } from './pace.ts';
import { ReadingScan } from './reading-scan.ts';
import type { MessageScanner, MimePart, ScanReport } from './scanner.ts';
import { mailPrefix, smallContent, wholeOf } from './mail-stream.ts';
import { type RoomKind, ScanRooms } from './scan-rooms.ts';
import { type ClamdCeilings, findingsOf, strictest } from './stream-findings.ts';
import { StreamScans, type StreamScanSettings } from './stream-scans.ts';
import { type CacheSettings, VerdictCache } from './verdict-cache.ts';
import { arrival, plainPart, plainPartOf, wholeSource } from './whole-scan.ts';

export interface ClamdSettings extends ClamdCeilings {
  /** Streams that one clamd works on at once; stays below its MaxThreads (10; Debian 12). */
  readonly inflightMax: number;
  /** From the first try to connect to the connection. */
  readonly connectMs: number;
}

/** What is known of a clamd, by its address, from its own configuration. */
export interface KnownOfClamd {
  /** Where they are stricter than ours. */
  readonly ceilings: (endpoint: string) => Partial<ClamdCeilings>;
  readonly hasOthers: VersionSettings['hasOthers'];
}

export interface MessageScanOptions {
  /** At least one. */
  readonly endpoints: readonly ClamdAddress[];
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

const MiB = 1024 * 1024;

/** Debian's clamd.conf, which is stricter than ClamAV's own defaults. */
export const defaultClamdSettings: ClamdSettings = {
  streamBytesMax: 25 * MiB,
  fileBytesMax: 25 * MiB,
  scanMsMax: 120_000,
  inflightMax: 8,
  connectMs: 5000,
};

/** clamd ends a scan at MaxScanTime, but looks at the clock only now and then. */
const silenceBeyondScanMs = 30_000;

export class MessageScan implements MessageScanner {
  readonly #options: MessageScanOptions;
  readonly #pool: ClamdPool;
  readonly #rooms: ScanRooms;
  readonly #watch: EndpointWatch;
  readonly #cache: VerdictCache | undefined;

  constructor(options: MessageScanOptions) {
    const { endpoints, clock, clamd, known, cache } = options;
    const { inflightMax, streamBytesMax, connectMs } = clamd;
    const silenceMs = clamd.scanMsMax + silenceBeyondScanMs;
    const common = { endpoints, clock, streamBytesMax, connectMs, silenceMs };
    this.#options = options;
    this.#pool = new ClamdPool({ ...common, inflightMax });
    this.#rooms = new ScanRooms(endpoints.length * inflightMax, clock);
    const versions = new DatabaseVersions({
      ...common,
      ...(known?.hasOthers && { hasOthers: known.hasOthers }),
    });
    this.#watch = new EndpointWatch({ ...common, versions });
    this.#cache = cache && new VerdictCache(cache, versions, clock);
  }

  /** Whether each clamd answers, which database it has, and whether it tells of its limits. @throws {Cancelled} */
  async status(signal: CancelSignal): Promise<readonly EndpointStatus[]> {
    const statuses = await this.#pool.status(signal);
    return statuses.map((one) => ({ ...one, limitAlerts: this.#watch.alerts(one.endpoint) }));
  }

  /** Looks after the clamds in the background until `close`: before it, they are taken for silent. */
  watch(observe: AlertsObserver = () => undefined): void {
    this.#watch.start(observe);
  }

  /** Looks at the clamds once: for who scans a message or two and goes. Never rejects. */
  look(): Promise<void> {
    return this.#watch.look();
  }

  /** Ends the watch. Scans that are under way go on. */
  close(): void {
    this.#watch.close();
  }

  /** Streams the clamds work on now, and streams that wait for one of them. */
  get load(): { readonly inflight: number; readonly waiting: number } {
    return { inflight: this.#pool.inflight, waiting: this.#pool.waiting };
  }

  scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport> {
    const { clamd, known, everyPart = false } = this.#options;
    const settings = {
      pool: this.#pool,
      rooms: this.#rooms,
      everyPart,
      ceilings: (endpoint: string) => strictest(clamd, known?.ceilings(endpoint)),
      alerts: (endpoint: string) => this.#watch.alerts(endpoint),
      cache: this.#cache?.forMessage(),
    };
    return new ScanRun(this.#options, settings, signal).run(content, takesApart);
  }
}

interface RunSettings extends StreamScanSettings {
  readonly rooms: ScanRooms;
}

/** The message as it stands: its only part where it has nothing to decode, and what clamd says. */
type Whole = readonly [plain: MimePart | undefined, answer: ClamdAnswer];

/** The scan of one message. */
class ScanRun {
  readonly #options: MessageScanOptions;
  readonly #settings: RunSettings;
  readonly #outer: CancelSignal;
  /** Ends everything that is at work for this message. */
  readonly #stop = new Canceller();
  readonly #scans: StreamScans;
  readonly #parts: PartScan;
  readonly #readings: ReadingScan;
  readonly #inspections: Inspections;
  #limit: Timer | undefined;
  #timedOut = false;
  #leave: Leave | undefined;
  #waits = false;

  constructor(options: MessageScanOptions, settings: RunSettings, outer: CancelSignal) {
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
      if (this.#outer.aborted || !this.#timedOut) throw error;
      return this.#report([], [this.#unfinished()]);
    } finally {
      this.#outer.removeEventListener('abort', abort);
      this.#limit?.cancel();
      this.#leave?.();
    }
  }

  async #scan(content: Content, takesApart?: () => void): Promise<ScanReport> {
    const [plain, answer] = await this.#message(content);
    const { words, endpoint, ms } = answer;
    const bytes = content.size;
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
    const ceilings = this.#settings.ceilings(endpoint);
    this.#scans.findings.push(...findingsOf('message', sent, answer, ceilings));
    if (plain !== undefined) return this.#report(this.#called([plain]));
    if (this.#scans.decided) return this.#report([]);
    await this.#enter(this.#leave ? 'apart' : 'small-apart');
    takesApart?.();
    return this.#takenApart(content);
  }

  async #takenApart(content: Content): Promise<ScanReport> {
    await this.#parts.message(inSlices(content.chunks(this.#stop.signal, 0, 1)), '');
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

  async #message(content: Content): Promise<Whole> {
    const { signal } = this.#stop;
    const small = await smallContent(content, signal);
    if (!small) return this.#large(content);
    this.#startLimit();
    return [plainPart(small), await this.#settings.pool.scan(wholeOf(small), signal)];
  }

  /** Goes to clamd while it arrives; the time limit starts at its end, however clamd fares with it. */
  async #large(content: Content): Promise<Whole> {
    const limited = arrival(content, this.#stop.signal).then(() => {
      this.#startLimit();
    });
    return (await Promise.all([this.#inRoom(content), limited]))[0];
  }

  async #inRoom(content: Content): Promise<Whole> {
    const { signal } = this.#stop;
    await this.#enter('whole');
    return Promise.all([
      plainPartOf(content, signal),
      this.#settings.pool.scan(wholeSource(content, signal), signal),
    ]);
  }

  /** Has no room while it waits. */
  async #enter(kind: RoomKind): Promise<void> {
    this.#waits = true;
    this.#leave?.();
    this.#leave = await this.#settings.rooms.enter(kind, this.#stop.signal);
    this.#waits = false;
  }

  #startLimit(): void {
    this.#limit = this.#options.clock.after(this.#options.limits.scanMs, () => {
      this.#timedOut = true;
      this.#stop.abort(notNeeded);
    });
  }

  #unfinished(): Finding {
    const detail = `not scanned within ${this.#options.limits.scanMs} ms of the end of data`;
    // Who waited for a room has broken nothing.
    const broke = this.#waits ? {} : ({ broke: true } as const);
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
