/**
 * One scan for one content: a retry that comes while the first try is still being scanned waits for
 * that scan, and what a scan came to whose peer had gone serves the retry. clamd does not stop when
 * a client goes away, so starting again would only add to what made the first one late.
 */
import { Canceller, type CancelSignal } from '../cancel-signal.ts';
import { unlessAborted } from '../cancellable.ts';
import type { Clock } from '../clock.ts';
import { Cancelled, notNeeded } from '../errors.ts';
import type { MessageScanner, ScanReport } from '../scan/scanner.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Spool } from '../store/spool.ts';

/** Postfix comes again after minimal_backoff_time (300 s); then it is found within this. */
const keepMs = 900_000;
/** Reports that wait for a retry, and the streams that each may tell of: memory is bounded. */
const keptMax = 500;
const keptStreamsMax = 50;
/** Scans that nobody waits for; a retry of any further message starts again. */
const orphansMax = 32;

export interface ScansOptions {
  readonly scanner: MessageScanner;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

interface Flight {
  readonly report: Promise<ScanReport>;
  /** When its report was kept; undefined while somebody may still come to know it directly. */
  keptAt?: number;
  /** Transactions that have it for theirs, and what settles when they have all left. */
  users: number;
  readonly left: PromiseWithResolvers<undefined>;
}

export class Scans {
  readonly #options: ScansOptions;
  readonly #flights = new Map<string, Flight>();
  readonly #running = new Map<Canceller, Promise<ScanReport>>();
  /** Scans that came to an end, to tell a message that hangs from a clamd that does. */
  #ended = 0;
  #orphans = 0;

  constructor(options: ScansOptions) {
    this.#options = options;
  }

  /** Scans under way, those that nobody waits for included. */
  get running(): number {
    return this.#running.size;
  }

  /** Begins to scan a content that is still arriving. An abort of `signal` is not heeded here. */
  begin(content: Spool): Scanning {
    const stop = new Canceller();
    const endedBefore = this.#ended;
    const note = new ScanNote(this.#options.ledger, content);
    const report = this.#options.scanner.scan(content, stop.signal, () => {
      note.begin();
    });
    this.#running.set(stop, report);
    const over = (): void => {
      this.#running.delete(stop);
    };
    report.then(over, () => {
      note.end();
      over();
    });
    return new Scanning({ content, stop, report, note, endedBefore }, this);
  }

  /** A scan of the same bytes, under way or lately ended. */
  find(digest: string): Promise<ScanReport> | undefined {
    const flight = this.#flights.get(digest);
    if (!flight) return undefined;
    const { keptAt } = flight;
    if (keptAt === undefined || this.#options.clock.monotonic() - keptAt < keepMs) {
      return flight.report;
    }
    this.#flights.delete(digest);
    return undefined;
  }

  /** One transaction more has it for its own. */
  share(digest: string): void {
    const flight = this.#flights.get(digest);
    if (flight) flight.users++;
  }

  /** How often these bytes broke a scan. @throws {OperationalError} STORE */
  broken(digest: string): number {
    return this.#options.ledger.brokenScans(digest);
  }

  /** From here on others find this scan. */
  publish(digest: string, scan: RunningScan): void {
    const left = Promise.withResolvers<undefined>();
    this.#flights.set(digest, { report: scan.report, users: 1, left });
    scan.report.then(
      (result) => {
        this.#settle(digest, result, scan);
      },
      () => {
        this.#flights.delete(digest);
      },
    );
  }

  /** A transaction that it was for is over. @param retried whether the message comes again. */
  leave(digest: string, report: Promise<ScanReport>, retried: boolean): void {
    const flight = this.#flights.get(digest);
    if (flight?.report !== report) return;
    if (--flight.users > 0) return;
    flight.left.resolve(undefined);
    if (!retried) this.#flights.delete(digest);
    else flight.keptAt ??= this.#options.clock.monotonic();
    for (const oldest of this.#flights.keys()) {
      if (this.#flights.size <= keptMax) return;
      if (this.#flights.get(oldest)?.keptAt !== undefined) this.#flights.delete(oldest);
    }
  }

  /**
   * Its own transaction is over. When those that have joined it are, too, nobody waits for it any
   * more: it goes on for the retry, if there are not too many such.
   */
  async orphan({ report, stop, content }: RunningScan): Promise<void> {
    const ended = report.catch(() => undefined);
    await Promise.race([ended, this.#flights.get(content.digest)?.left.promise]);
    if (!this.#running.has(stop)) return;
    if (this.#orphans >= orphansMax) stop.abort(notNeeded);
    this.#orphans++;
    await ended;
    this.#orphans--;
  }

  /** Ends every scan: the daemon is going down. Resolves when all have ended. */
  async close(): Promise<void> {
    for (const stop of this.#running.keys()) stop.abort(new Cancelled('shutdown'));
    await Promise.allSettled(this.#running.values());
  }

  #settle(digest: string, { findings, streams }: ScanReport, scan: RunningScan): void {
    const { note, endedBefore } = scan;
    const failed = findings.some(({ kind }) => kind === 'unavailable');
    const brokeWith = (who: 'clamd' | 'worker'): boolean =>
      findings.some((one) => one.kind === 'unavailable' && one.broke === who);
    // Where nothing else came to an end meanwhile, it is clamd that hangs, not this message.
    const broke = brokeWith('clamd') && this.#ended !== endedBefore;
    if (broke || brokeWith('worker')) note.begin();
    else note.end();
    if (!failed) this.#ended++;
    // What failed is to be tried again, and what is large is not worth its memory.
    if (failed || streams.length > keptStreamsMax) this.#flights.delete(digest);
  }
}

/**
 * What is remembered of a scan over our own death: that it began to do what could have been our
 * death, and not that it ended. Also of one that broke, for ever.
 */
class ScanNote {
  readonly #ledger: Ledger;
  readonly #content: Spool;
  #open = false;

  constructor(ledger: Ledger, content: Spool) {
    this.#ledger = ledger;
    this.#content = content;
  }

  /** The content is sealed. */
  begin(): void {
    if (!this.#open) this.#ledger.scanBegan(this.#content.digest);
    this.#open = true;
  }

  /** At once, so that a death during the handover is not laid to the scan. */
  end(): void {
    if (this.#open) this.#ledger.scanEnded(this.#content.digest);
    this.#open = false;
  }
}

interface RunningScan {
  readonly content: Spool;
  readonly stop: Canceller;
  readonly report: Promise<ScanReport>;
  readonly note: ScanNote;
  readonly endedBefore: number;
}

/** The scan of one transaction's message: its own, or the one it joined. */
export class Scanning {
  readonly #own: RunningScan;
  readonly #scans: Scans;
  #digest: string | undefined;
  #report: Promise<ScanReport> | undefined;

  constructor(own: RunningScan, scans: Scans) {
    this.#own = own;
    this.#scans = scans;
  }

  /**
   * All bytes are there, and are not yet known to be all: clamd has not begun. Where these bytes are
   * being scanned already, ours is called off.
   */
  join(digest: string): void {
    this.#digest = digest;
    if (this.#report) return;
    this.#report = this.#scans.find(digest);
    if (!this.#report) return;
    this.#scans.share(digest);
    this.#own.stop.abort(notNeeded);
  }

  /**
   * Lets the scan come to its end.
   *
   * @throws {Cancelled} when `signal` is aborted; the scan then goes on, for the retry.
   * @throws as MessageScanner.scan.
   */
  async finish(digest: string, signal: CancelSignal): Promise<ScanReport> {
    this.join(digest);
    if (!this.#report) {
      this.#report = this.#own.report;
      this.#scans.publish(digest, this.#own);
    }
    this.#own.content.end();
    return unlessAborted(this.#report, signal);
  }

  /** How often these bytes broke a scan. @throws {OperationalError} STORE */
  broken(digest: string): number {
    return this.#scans.broken(digest);
  }

  /** The message goes unscanned. */
  skip(): void {
    this.#own.stop.abort(notNeeded);
    this.#own.content.end();
  }

  /**
   * The transaction is over. Resolves when the content is no longer read.
   *
   * @param retried whether the message will come again.
   */
  async leave(retried: boolean): Promise<void> {
    const { stop, report } = this.#own;
    const mine = this.#report === report;
    if (!mine) stop.abort(notNeeded);
    if (this.#digest !== undefined && this.#report) {
      this.#scans.leave(this.#digest, this.#report, retried);
    }
    if (mine) await this.#scans.orphan(this.#own);
  }
}
