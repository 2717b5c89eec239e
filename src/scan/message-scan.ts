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
import type { Leave } from '../waiting-line.ts';
import type { Limits } from '../limits.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { Finding } from '../verdict/finding.ts';
import { type Apart, type ApartSettings, takeApart, takePlain } from './apart.ts';
import { type ApartWorkers, WorkerLost } from './apart-workers.ts';
import { SlowSender } from './brisk.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ClamdPool } from './clamd-pool.ts';
import { type ClamdSettings, type KnownOfClamd, poolSettingsOf } from './clamd-settings.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import type { MessageScanner, MimePart, ScanReport } from './scanner.ts';
import { mailPrefix, smallContent, wholeOf } from './mail-stream.ts';
import { type RoomKind, ScanRooms } from './scan-rooms.ts';
import type { ClamdAnswer } from './stream-attempts.ts';
import { findingsOf } from './stream-findings.ts';
import { StreamScans, type StreamScanSettings } from './stream-scans.ts';
import { type CacheSettings, VerdictCache } from './verdict-cache.ts';
import { arrival, briskSource, plainPart, plainPartOf, wholeSource } from './whole-scan.ts';

export interface MessageScanOptions {
  /** What it scans with, where that outlives it. */
  readonly pool?: ClamdPool;
  /** For how many clamds it makes room; a pool of its own is of these. At least one. */
  readonly endpoints: readonly ClamdAddress[];
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'scanMs' | 'partsMax' | 'partDepthMax' | 'readingsMax'>;
  readonly clamd: ClamdSettings;
  /** What may not pass; nothing is looked at for it where there is no rule. */
  readonly banned?: readonly BannedRule[];
  /** What is known of single clamds beside it, for a pool of its own. */
  readonly known?: KnownOfClamd;
  /** Without it every part is sent, however often it comes. */
  readonly cache?: CacheSettings | undefined;
  /** Who takes messages apart; without them that is done here. */
  readonly workers?: ApartWorkers | undefined;
  /** To explain a message: its parts are scanned although malware was found already. */
  readonly everyPart?: boolean;
  /** Whether malware is stopped by its rule, so that nothing else counts; it is where this is not said. */
  readonly stopsMalware?: boolean;
}

export class MessageScan implements MessageScanner {
  readonly #options: MessageScanOptions;
  readonly #pool: ClamdPool;
  readonly #rooms: ScanRooms;
  readonly #cache: VerdictCache | undefined;

  constructor(options: MessageScanOptions) {
    const { endpoints, clock, clamd, known, cache } = options;
    this.#options = options;
    const members = endpoints.map((address) => ({ address, weight: 1 }));
    this.#pool =
      options.pool ??
      new ClamdPool(poolSettingsOf(members, clamd, known), { clock, random: Math.random });
    this.#rooms = new ScanRooms(endpoints.length * clamd.inflightMax, clock);
    this.#cache = cache && new VerdictCache(cache, this.#pool, clock);
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
    const { everyPart = false, stopsMalware = true } = this.#options;
    const settings = {
      pool: this.#pool,
      rooms: this.#rooms,
      pastMalware: everyPart || !stopsMalware,
      cache: this.#cache?.forMessage(),
    };
    return new ScanRun(this.#options, settings, signal).run(content, takesApart);
  }
}

interface RunSettings extends StreamScanSettings {
  readonly pool: ClamdPool;
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
  #limit: Timer | undefined;
  /** Where the time limit found it. */
  #timedOut: 'in a line' | 'at clamd' | undefined;
  /** Resolved when all of the message is there. */
  readonly #arrived = Promise.withResolvers<undefined>();
  #leave: Leave | undefined;
  #waits = false;

  constructor(options: MessageScanOptions, settings: RunSettings, outer: CancelSignal) {
    this.#options = options;
    this.#settings = settings;
    this.#outer = outer;
    this.#scans = new StreamScans(settings, this.#stop.signal);
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
      const isLost = error instanceof WorkerLost;
      if (this.#outer.aborted) throw isLost ? new Cancelled(cancelCause(this.#outer)) : error;
      // It may have hung until the time was over.
      if (isLost) return this.#report(nothing, [lostWith(error)]);
      if (this.#timedOut !== undefined) return this.#report(nothing, [this.#unfinished()]);
      throw error;
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
    this.#scans.tellAge('message', endpoint, answer.worth);
    const sent = bytes + mailPrefix.length;
    this.#scans.findings.push(...findingsOf('message', sent, answer));
    const settings = this.#apartSettings;
    if (plain !== undefined) {
      return this.#report(await takePlain(plain, this.#scans, settings, this.#options.clock));
    }
    if (this.#scans.decided) return this.#report(nothing);
    await this.#enter(this.#leave ? 'apart' : 'small-apart');
    takesApart?.();
    return this.#report(await this.#takenApart(content, settings));
  }

  get #apartSettings(): ApartSettings {
    const { limits, banned = [], everyPart: show = false } = this.#options;
    return { limits, banned, show };
  }

  #takenApart(content: Content, settings: ApartSettings): Promise<Apart> {
    const { clock, workers } = this.#options;
    const { signal } = this.#stop;
    if (!workers) return takeApart(content, this.#scans, settings, { clock, signal });
    return workers.takeApart(content, { scans: this.#scans, by: this.#settings, settings }, signal);
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
    const { signal } = this.#stop;
    const limited = arrival(content, signal).then(() => {
      this.#startLimit();
    });
    const [answer] = await Promise.all([this.#whole(content), limited]);
    return [await plainPartOf(content, signal), answer];
  }

  /** While it arrives, if that goes fast; else when all of it is there. */
  async #whole(content: Content): Promise<ClamdAnswer> {
    const { signal } = this.#stop;
    const { pool } = this.#settings;
    await this.#enter('whole');
    try {
      return await pool.scan(briskSource(content, signal, this.#options.clock), signal);
    } catch (error) {
      if (!(error instanceof SlowSender)) throw error;
    }
    this.#leave?.();
    await unlessAborted(this.#arrived.promise, signal);
    await this.#enter('whole');
    return pool.scan(wholeSource(content, signal), signal);
  }

  /** Has no room while it waits. */
  async #enter(kind: RoomKind): Promise<void> {
    this.#waits = true;
    this.#leave?.();
    this.#leave = await this.#settings.rooms.enter(kind, this.#stop.signal);
    this.#waits = false;
  }

  #startLimit(): void {
    this.#arrived.resolve(undefined);
    this.#limit = this.#options.clock.after(this.#options.limits.scanMs, () => {
      const waits = this.#waits || this.#settings.pool.isWaiting(this.#stop.signal);
      this.#timedOut = waits ? 'in a line' : 'at clamd';
      this.#stop.abort(notNeeded);
    });
  }

  #unfinished(): Finding {
    const detail = `not scanned within ${this.#options.limits.scanMs} ms of the end of data`;
    // Who waited for a room or for a clamd has broken nothing.
    const broke = this.#timedOut === 'at clamd' && { broke: 'clamd' as const };
    return { kind: 'unavailable', ...broke, stream: 'message', detail };
  }

  #report(apart: Apart, more: readonly Finding[] = []): ScanReport {
    const { findings, streams } = this.#scans;
    const shown = this.#options.everyPart && { readings: [], contents: [] };
    return { findings: [...findings, ...more], streams, ...shown, ...apart };
  }
}

const nothing: Apart = { parts: [] };

function lostWith({ message: detail, broke }: WorkerLost): Finding {
  return { kind: 'unavailable', ...(broke && { broke: 'worker' }), stream: 'message', detail };
}
