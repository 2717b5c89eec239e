/** How many durable commits a second the ledger makes on a disk, with nothing else at work. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { stderr } from 'node:process';
import { systemClock } from '../../src/clock.ts';
import type { LedgerChange, LedgerEntry } from '../../src/store/ledger.ts';
import { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { type Spread, spreadOf } from '../report/figures.ts';

export interface Commits {
  readonly count: number;
  readonly seconds: number;
  /** Of the event loop, for all of them. */
  readonly cpuMicroseconds: number;
}

export interface DiskFigures {
  /** Of a block that is appended. */
  readonly fdatasyncMs: Spread;
  /** By how many there are at once. */
  readonly commitsPerSecond: Readonly<Record<'1' | '8', number>>;
}

const syncs = 200;
const blockBytes = 4096;

/** @param parent a directory on the disk in question. */
export async function diskFigures(parent: string, seconds: number): Promise<DiskFigures> {
  const directory = mkdtempSync(join(parent, 'clamgate-bench-'));
  const ledger = await openLedger(directory);
  try {
    const rate = async (lanes: number, first: number): Promise<number> => {
      const { count, seconds: taken } = await commits(ledger, lanes, first, seconds);
      return count / taken;
    };
    const fdatasyncMs = spreadOf(syncTimes(join(directory, 'block')));
    return { fdatasyncMs, commitsPerSecond: { '1': await rate(1, 0), '8': await rate(8, 1e9) } };
  } finally {
    await ledger.close();
    rmSync(directory, { recursive: true });
  }
}

export function openLedger(directory: string): Promise<SqliteLedger> {
  return SqliteLedger.open({
    file: join(directory, 'ledger.db'),
    clock: systemClock,
    bytesMax: 2 ** 32,
    retentionMs: 1e9,
    commitMsMax: 60_000,
    warn: (what) => stderr.write(`${what}\n`),
  });
}

/** Each lane begins an attempt, and then settles it: two commits, as a message has them. */
export async function commits(
  ledger: SqliteLedger,
  lanes: number,
  first: number,
  secondsMax: number,
): Promise<Commits> {
  let next = first;
  const start = performance.now();
  const before = process.threadCpuUsage();
  const lane = async () => {
    while (performance.now() < start + secondsMax * 1000) {
      const entry = entryOf(next++);
      ledger.defer([{ kind: 'begin', entries: [entry] }]);
      const { attempt } = entry;
      const changed = systemClock.now();
      const from = ['sending'] as const;
      await ledger.commit([{ kind: 'settle', attempt, from, state: 'prepared', changed }]);
      await ledger.commit([deliveredOf(entry)]);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.threadCpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  return { count: 2 * (next - first), seconds, cpuMicroseconds: user + system };
}

function entryOf(number: number): LedgerEntry {
  const now = systemClock.now();
  return {
    attempt: `${number}a`.padStart(32, '0'),
    queueId: `4Xy${number}`,
    digest: String(number).padStart(64, '0'),
    recipient: `user${number % 1000}@example.org`,
    orcpt: `rfc822;user${number % 1000}@example.org`,
    state: 'sending',
    nextHop: '127.0.0.1:10025',
    began: now,
    changed: now,
  };
}

function deliveredOf({ attempt }: LedgerEntry): LedgerChange {
  return {
    kind: 'settle',
    attempt,
    from: ['sending', 'prepared'],
    state: 'delivered',
    reply: { code: 250, enhanced: '2.0.0', lines: ['Ok: queued as 4Xz0000000z1'] },
    changed: systemClock.now(),
  };
}

function syncTimes(path: string): number[] {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(blockBytes);
  const times = Array.from({ length: syncs }, () => {
    writeSync(file, block);
    const begun = performance.now();
    fdatasyncSync(file);
    return performance.now() - begun;
  });
  closeSync(file);
  return times;
}
