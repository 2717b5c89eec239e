/**
 * `node bench/ledger.ts [DIRECTORY]`: what the ledger costs on the disk of that directory (the
 * system's for temporary files without one). Durable commits per second, and the event loop's CPU
 * time for each commit and each question.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stderr, stdout } from 'node:process';
import { systemClock } from '../src/clock.ts';
import type { LedgerChange, LedgerEntry } from '../src/store/ledger.ts';
import { SqliteLedger } from '../src/store/sqlite-ledger.ts';
import { machine, machineText } from './machine.ts';

const secondsEach = 3;
const questions = 20_000;

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

/** Each lane begins an attempt, and then settles it: two commits, as a message has them. */
async function commits(ledger: SqliteLedger, lanes: number, first: number): Promise<number> {
  let next = first;
  const end = performance.now() + secondsEach * 1000;
  const before = process.threadCpuUsage();
  const start = performance.now();
  const lane = async () => {
    while (performance.now() < end) {
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
  const used = process.threadCpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  const count = 2 * (next - first);
  const cpu = (used.user + used.system) / count;
  tell(
    `${lanes} at once: ${(count / seconds).toFixed(0)} commits/s, ${cpu.toFixed(1)} µs of CPU each`,
  );
  return next;
}

function find(ledger: SqliteLedger, what: string, queueIdOf: (number: number) => string): void {
  for (let i = 0; i < 1000; i++) ledger.find(queueIdOf(i));
  const before = process.threadCpuUsage();
  for (let i = 0; i < questions; i++) ledger.find(queueIdOf(i));
  const { user, system } = process.threadCpuUsage(before);
  tell(`find, ${what}: ${((user + system) / questions).toFixed(1)} µs of CPU`);
}

function tell(line: string): void {
  stdout.write(`${line}\n`);
}

async function main(parent: string): Promise<void> {
  stderr.write(`${machineText(machine())}\n`);
  const directory = mkdtempSync(join(parent, 'clamgate-bench-'));
  const ledger = await SqliteLedger.open({
    file: join(directory, 'ledger.db'),
    clock: systemClock,
    bytesMax: 2 ** 32,
    retentionMs: 1e9,
    commitMsMax: 60_000,
    warn: (what) => stderr.write(`${what}\n`),
  });
  try {
    let next = 0;
    for (const lanes of [64, 1, 8, 64]) next = await commits(ledger, lanes, next);
    find(ledger, 'a queue id that is not there', (number) => `none${number}`);
    find(ledger, 'one that is', (number) => `4Xy${number % next}`);
  } finally {
    await ledger.close();
    rmSync(directory, { recursive: true });
  }
}

await main(process.argv[2] ?? tmpdir());
