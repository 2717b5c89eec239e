/**
 * The ledger on disk. What is to become durable goes into a journal, synced at each write, and from
 * there into a SQLite database, which a thread of its own writes; reading puts the two together.
 * What it holds is never begun anew by itself: a ledger that is missing, damaged or not writable is
 * an error for an operator (ledger-place.ts).
 */
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import { eventsHandled } from '../event-loop.ts';
import { messageOf, OperationalError } from '../errors.ts';
import { nodeFiles, prepareDirectory } from './files.ts';
import type { Ledger, LedgerChange, LedgerEntry } from './ledger.ts';
import { LedgerCommits } from './ledger-commits.ts';
import { LedgerFolding } from './ledger-folding.ts';
import { readLeft } from './ledger-left.ts';
import { LedgerLink } from './ledger-link.ts';
import { beside, placeCheck } from './ledger-place.ts';
import { openLedgerDatabase, type LedgerReader } from './ledger-reader.ts';
import { LedgerRetention } from './ledger-retention.ts';
import { openPlacedFile, type PlacedFile } from './placed-file.ts';
import { ScanSlots } from './scan-slots.ts';
import { readWhole } from './stored-file.ts';

const { O_CREAT, O_DSYNC, O_RDWR, O_WRONLY } = constants;

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

/** A ledger that is open, in parts. */
interface Parts {
  readonly link: LedgerLink;
  readonly reader: LedgerReader;
  readonly folding: LedgerFolding;
  readonly commits: LedgerCommits;
  readonly journal: PlacedFile;
  readonly scans: ScanSlots;
  readonly scansFile: PlacedFile;
}

export class SqliteLedger implements Ledger {
  readonly #parts: Parts;
  readonly #retention: LedgerRetention;
  readonly #clock: Clock;

  private constructor(parts: Parts, settings: SqliteLedgerSettings) {
    this.#parts = parts;
    this.#clock = settings.clock;
    const { link, scans } = parts;
    this.#retention = new LedgerRetention(link, scans, settings);
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
      return new SqliteLedger(await openParts(link, settings), settings);
    } catch (error) {
      // Whatever is in the journal is not in the database.
      await link.close(false);
      throw error;
    }
  }

  find(queueId: string): readonly LedgerEntry[] {
    return this.#parts.reader.find(queueId);
  }

  unsettled(): readonly LedgerEntry[] {
    return this.#parts.reader.unsettled();
  }

  brokenScans(digest: string): number {
    return this.#parts.scans.unended(digest);
  }

  scanBegan(digest: string): void {
    this.#parts.scans.began(digest, this.#clock.now());
  }

  scanEnded(digest: string): void {
    this.#parts.scans.ended(digest);
  }

  note(name: string): string | undefined {
    return this.#parts.reader.note(name);
  }

  commit(changes: readonly LedgerChange[]): Promise<void> {
    return this.#parts.commits.commit(changes);
  }

  defer(changes: readonly LedgerChange[]): void {
    this.#parts.commits.defer(changes);
  }

  /**
   * Brings all that is durable into the database; else that is done every half second.
   *
   * @throws {OperationalError} STORE.
   */
  fold(): Promise<void> {
    return this.#parts.folding.fold();
  }

  /**
   * Gives what is empty in the file back to the file system. Commits go on meanwhile.
   *
   * @throws {OperationalError} STORE.
   */
  async compact(): Promise<void> {
    const { link } = this.#parts;
    await this.fold();
    let before = Infinity;
    for (let left = await link.order({ kind: 'compact' }); left > 0 && left < before;) {
      before = left;
      left = await link.order({ kind: 'compact' });
    }
  }

  /**
   * After everything that was committed or deferred before. Nothing can be asked afterwards.
   *
   * @throws {OperationalError} STORE, when the disk does not answer, or what was deferred is lost.
   */
  async close(): Promise<void> {
    const { link, reader, folding, commits, journal, scans, scansFile } = this.#parts;
    this.#retention.stop();
    folding.stop();
    const [last] = await Promise.allSettled([commits.close()]);
    // Where that fails the next process finds it in the journal.
    const whole = await folding.fold().then(
      () => true,
      () => false,
    );
    reader.close();
    journal.close();
    scans.close();
    scansFile.close();
    const results = [last, ...(await Promise.allSettled([link.close(whole)]))];
    for (const result of results) {
      if (result.status === 'rejected') throw asStoreError(result.reason);
    }
  }
}

async function openParts(link: LedgerLink, settings: SqliteLedgerSettings): Promise<Parts> {
  const { file, clock, commitMsMax, warn } = settings;
  const left = await readLeft(nodeFiles, file, identityOf(file));
  const folding = new LedgerFolding(link, clock, warn, left.unfolded);
  const reader = openLedgerDatabase(file, () => folding.unfolded);
  const journal = await openPlacedFile(beside.journal(file), O_WRONLY | O_DSYNC);
  const commits = new LedgerCommits({
    ...{ clock, commitMsMax, eventsHandled, warn, journal, last: left.last },
    checkPlace: placeCheck(file),
    onDurable: (changes, number) => {
      folding.take(changes, number);
    },
    onFull: folding.foldNow,
  });
  folding.begin(commits);
  // Until then no half of the journal is free. A database that is full is no reason not to start.
  await folding.fold().catch(() => undefined);
  const scansFile = await openPlacedFile(beside.scans(file), O_RDWR | O_CREAT);
  const noted = await readWhole(nodeFiles, beside.scans(file));
  const scans = new ScanSlots(scansFile, noted, { clock, warn });
  return { link, reader, folding, commits, journal, scans, scansFile };
}

function identityOf(file: string): { readonly id: string; readonly folded: number } {
  const reader = openLedgerDatabase(file, () => []);
  try {
    return { id: reader.id(), folded: reader.folded() };
  } finally {
    reader.close();
  }
}

function asStoreError(reason: unknown): OperationalError {
  if (reason instanceof OperationalError) return reason;
  return new OperationalError('STORE', messageOf(reason), { cause: reason });
}
