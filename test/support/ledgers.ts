/** Ledgers on disk for tests: each in a directory of its own, closed when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LedgerEntry } from '../../src/store/ledger.ts';
import { insertEntry, valuesOf } from '../../src/store/ledger-rows.ts';
import { createTables } from '../../src/store/ledger-schema.ts';
import { SqliteLedger, type SqliteLedgerSettings } from '../../src/store/sqlite-ledger.ts';
import { FakeClock } from './fake-clock.ts';

export function entry(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    attempt: 'a1',
    queueId: '4Xy1',
    digest: 'd'.repeat(64),
    recipient: 'you@example.org',
    orcpt: '',
    state: 'sending',
    nextHop: '127.0.0.1:10025',
    began: 1_000_000,
    changed: 1_000_000,
    ...changes,
  };
}

/** That of `LedgerBench.open`. */
export const retentionMs = 10_000_000;

export class LedgerBench {
  readonly directory: string;
  readonly file: string;
  readonly clock = new FakeClock(1_000_000);
  readonly warnings: string[] = [];
  readonly #open = new Set<SqliteLedger>();

  private constructor(directory: string) {
    this.directory = directory;
    this.file = join(directory, 'ledger.db');
  }

  static async make(): Promise<LedgerBench> {
    return new LedgerBench(await mkdtemp(join(tmpdir(), 'clamgate-ledger-')));
  }

  async open(settings: Partial<SqliteLedgerSettings> = {}): Promise<SqliteLedger> {
    const ledger = await SqliteLedger.open({
      file: this.file,
      clock: this.clock,
      bytesMax: 64 * 1024 * 1024,
      retentionMs,
      // Longer than any leap of the clock.
      commitMsMax: 1e12,
      warn: (what) => this.warnings.push(what),
      ...settings,
    });
    this.#open.add(ledger);
    return ledger;
  }

  async close(ledger: SqliteLedger): Promise<void> {
    this.#open.delete(ledger);
    await ledger.close();
  }

  /** Until the thread has answered what was ordered before. */
  async answered(ledger: SqliteLedger): Promise<void> {
    await ledger.fold().catch(() => undefined);
  }

  /** Lets time pass, and retention do its work now and then. */
  async pass(ledger: SqliteLedger, ms: number): Promise<void> {
    const step = 60 * 60 * 1000;
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(Math.min(step, ms - passed));
      await this.answered(ledger);
    }
    for (let slice = 0; slice < 5; slice++) {
      this.clock.advance(50);
      await this.answered(ledger);
    }
  }

  async remove(): Promise<void> {
    for (const ledger of this.#open) await ledger.close().catch(() => undefined);
    await rm(this.directory, { recursive: true });
  }
}

/** A ledger as a daemon that has ended leaves it, without the cost of opening one. */
export function writeLedger(file: string, entries: Iterable<LedgerEntry>): void {
  const database = new DatabaseSync(file);
  createTables(database, '0'.repeat(32));
  // KiB: the indexes of a million entries are written in no order.
  database.exec('PRAGMA cache_size = -400000; PRAGMA journal_mode = WAL; BEGIN');
  const insert = database.prepare(insertEntry);
  for (const one of entries) insert.run(...valuesOf(one));
  database.exec('COMMIT');
  database.close();
}
