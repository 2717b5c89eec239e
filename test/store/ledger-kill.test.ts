import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openLedgerReader } from '../../src/store/ledger-reader.ts';
import { LedgerBench } from '../support/ledgers.ts';

const child = join(import.meta.dirname, '../support/ledger-child.ts');
const kills = 30;

let bench: LedgerBench;

beforeEach(async () => {
  bench = await LedgerBench.make();
});

afterEach(() => bench.remove());

/** Runs the process until it has said so many lines, and kills it; returns all that it said. */
async function sayings(run: number, lines: number): Promise<string[]> {
  const args = ['--disable-warning=ExperimentalWarning', child, bench.file, String(run)];
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(program, 'exit');
  const said: string[] = [];
  for await (const line of createInterface({ input: program.stdout })) {
    said.push(line);
    if (said.length === lines) program.kill('SIGKILL');
  }
  expect(await gone).toEqual([null, 'SIGKILL']);
  return said;
}

test('what was said to be durable is there after kill -9, and nothing by halves', async () => {
  const durable: string[] = [];
  const began: string[] = [];
  for (let run = 1; run <= kills; run++) {
    for (const line of await sayings(run, 1 + Math.floor(Math.random() * 400))) {
      const [word, attempt = ''] = line.split(' ');
      expect(['durable', 'began']).toContain(word);
      (word === 'durable' ? durable : began).push(attempt);
    }
  }
  // The daemon that comes after them, and not only a reader.
  const ledger = await bench.open();
  for (const attempt of durable)
    expect([attempt, ledger.find(attempt).length]).toEqual([attempt, 2]);
  for (const attempt of began) {
    const digest = createHash('sha256').update(attempt).digest('hex');
    expect([attempt, ledger.brokenScans(digest)]).toEqual([attempt, 1]);
  }
  const reader = openLedgerReader(bench.file);
  const entries = new Map<string, number>();
  for (const { attempt } of reader.entries()) entries.set(attempt, (entries.get(attempt) ?? 0) + 1);
  for (const [attempt, count] of entries) {
    expect([attempt, count, reader.note(attempt)]).toEqual([attempt, 2, 'durable']);
  }
  reader.close();
  expect(durable.length).toBeGreaterThan(kills);
  expect(entries.size).toBeGreaterThanOrEqual(durable.length);
}, 120_000);
