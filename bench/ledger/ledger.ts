/**
 * `node bench/ledger.ts [DIRECTORY]`: what the ledger costs on the disk of that directory (the
 * system's for temporary files without one). Durable commits per second, and the event loop's CPU
 * time for each commit and each question.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stderr, stdout } from 'node:process';
import type { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { commits, openLedger } from './commits.ts';
import { machine, machineText } from '../stage/machine.ts';

const secondsEach = 3;
const questions = 20_000;

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
  const ledger = await openLedger(directory);
  try {
    let next = 0;
    for (const lanes of [64, 1, 8, 64]) {
      const { count, seconds, cpuMicroseconds } = await commits(ledger, lanes, next, secondsEach);
      tell(
        `${lanes} at once: ${(count / seconds).toFixed(0)} commits/s, ` +
          `${(cpuMicroseconds / count).toFixed(1)} µs of CPU each`,
      );
      next += count / 2;
    }
    find(ledger, 'a queue id that is not there', (number) => `none${number}`);
    find(ledger, 'one that is', (number) => `4Xy${number % next}`);
  } finally {
    await ledger.close();
    rmSync(directory, { recursive: true });
  }
}

await main(process.argv[2] ?? tmpdir());
