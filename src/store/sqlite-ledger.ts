/**
 * The ledger on disk: SQLite in WAL mode, synced at each commit. It is written by a thread of its
 * own, and read here. What it holds is never begun anew by itself: a ledger that is missing, damaged
 * or not writable is an error for an operator (ledger-place.ts).
 */
import { dirname } from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import { messageOf, OperationalError } from '../errors.ts';
import { nodeFiles, prepareDirectory } from './files.ts';
import type { Ledger, LedgerChange, LedgerEntry } from './ledger.ts';
import { LedgerLink } from './ledger-link.ts';
import { openLedgerReader, type LedgerReader } from './ledger-reader.ts';
import { LedgerRetention } from './ledger-retention.ts';
import { isScanChange } from './ledger-scans.ts';

export interface SqliteLedgerSettings {
  /** Its directory is created where it is missing. */
  readonly file: string;
  readonly clock: Clock;
  /** The database's ceiling; what does not fit is refused. The -wal file comes on top. */
  readonly bytesMax: number;
  /**
   * How long an entry is kept after its last change, and twice as long while nobody knows what
   * became of it: longer than Postfix's maximal_queue_lifetime.
   */
  readonly retentionMs: number;
  /** A commit that takes longer is given up: it may become durable all the same. */
  readonly commitMsMax: number;
  /** How long another daemon has to let go of the ledger; 0 without it. */
  readonly takeoverMs?: number;
  /** Told of trouble that no call is answered with. Must not throw. */
  readonly warn: (what: string) => void;
}

/** How long a deferred change waits for a commit to travel with. */
const deferMs = 50;
/** Deferred changes that wait for a hanging disk; beyond it the oldest are given up. */
const deferredMax = 10_000;

export class SqliteLedger implements Ledger {
  readonly #link: LedgerLink;
  readonly #reader: LedgerReader;
  readonly #retention: LedgerRetention;
  readonly #settings: SqliteLedgerSettings;
  #deferred: LedgerChange[] = [];
  #timer: Timer | undefined;

  private constructor(link: LedgerLink, reader: LedgerReader, settings: SqliteLedgerSettings) {
    this.#link = link;
    this.#reader = reader;
    this.#settings = settings;
    this.#retention = new LedgerRetention(link, settings);
  }

  /**
   * Opens the ledger, and creates it where there has never been one. It reads the whole file.
   *
   * @throws {OperationalError} STORE: what is wrong, and what an operator can do.
   */
  static async open(settings: SqliteLedgerSettings): Promise<SqliteLedger> {
    const { file, bytesMax, takeoverMs = 0, clock, commitMsMax: answerMsMax, warn } = settings;
    await prepareDirectory(nodeFiles, dirname(file));
    const writer = { file, bytesMax, takeoverMs };
    const link = await LedgerLink.open({ writer, clock, answerMsMax, warn });
    try {
      return new SqliteLedger(link, openLedgerReader(file), settings);
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  find(queueId: string): readonly LedgerEntry[] {
    return this.#reader.find(queueId);
  }

  unsettled(): readonly LedgerEntry[] {
    return this.#reader.unsettled();
  }

  brokenScans(digest: string): number {
    return this.#reader.brokenScans(digest);
  }

  note(name: string): string | undefined {
    return this.#reader.note(name);
  }

  async commit(changes: readonly LedgerChange[]): Promise<void> {
    const onlyScans = changes.length > 0 && changes.every(isScanChange);
    const deferred = this.#link.isFull ? [] : this.#takeDeferred(onlyScans);
    await this.#link.order({ kind: 'write', deferred, changes });
  }

  defer(changes: readonly LedgerChange[]): void {
    this.#deferred.push(...changes);
    const over = this.#deferred.length - deferredMax;
    if (over > 0) {
      this.#deferred.splice(0, over);
      this.#settings.warn(`${over} deferred changes were given up: too many wait for the disk`);
    }
    this.#timer ??= this.#settings.clock.after(deferMs, this.#flush);
  }

  /**
   * Gives what is empty in the file back to the file system. Commits go on meanwhile.
   *
   * @throws {OperationalError} STORE.
   */
  async compact(): Promise<void> {
    let before = Infinity;
    for (let left = await this.#link.order({ kind: 'compact' }); left > 0 && left < before;) {
      before = left;
      left = await this.#link.order({ kind: 'compact' });
    }
  }

  /**
   * After everything that was committed or deferred before. Nothing can be asked afterwards.
   *
   * @throws {OperationalError} STORE, when the disk does not answer, or what was deferred is lost.
   */
  async close(): Promise<void> {
    this.#retention.stop();
    this.#stopTimer();
    this.#reader.close();
    const last = this.#deferred.length > 0 ? this.commit([]) : Promise.resolve();
    const results = await Promise.allSettled([last, this.#link.close()]);
    for (const result of results) {
      if (result.status === 'rejected') throw asStoreError(result.reason);
    }
  }

  readonly #flush = (): void => {
    this.#timer = undefined;
    if (this.#link.isFull) {
      this.#timer = this.#settings.clock.after(deferMs, this.#flush);
      return;
    }
    // What cannot be stored now travels with the next commit: the thread keeps it.
    this.commit([]).catch((error: unknown) => {
      this.#settings.warn(`deferred changes are not stored yet: ${messageOf(error)}`);
    });
  };

  /** @param onlyScans what needs no fsync does not wait for one because of what it takes along. */
  #takeDeferred(onlyScans: boolean): readonly LedgerChange[] {
    const taken = onlyScans ? this.#deferred.filter(isScanChange) : this.#deferred;
    this.#deferred = onlyScans ? this.#deferred.filter((change) => !isScanChange(change)) : [];
    if (this.#deferred.length === 0) this.#stopTimer();
    return taken;
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function asStoreError(reason: unknown): OperationalError {
  if (reason instanceof OperationalError) return reason;
  return new OperationalError('STORE', messageOf(reason), { cause: reason });
}
