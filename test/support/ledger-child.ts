/**
 * A process for ledger-kill.test.ts: opens the ledger named on its command line and commits without
 * an end, several at once, and says which are durable. It is killed.
 */
import { createHash } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import type { LedgerChange } from '../../src/store/ledger.ts';
import { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { entry } from './ledgers.ts';

/** A file of slots has room for some thousands. */
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

const [file = '', run = ''] = process.argv.slice(2);

const ledger = await SqliteLedger.open({
  file,
  clock: systemClock,
  bytesMax: 1024 * 1024 * 1024,
  retentionMs: 1e12,
  commitMsMax: 60_000,
  warn: (what) => process.stdout.write(`warning ${what}\n`),
});

/** Two entries and a note of one attempt, which are there together or not at all. */
function changesOf(attempt: string): LedgerChange[] {
  const now = { began: systemClock.now(), changed: systemClock.now() };
  const first = entry({ ...now, attempt, queueId: attempt, recipient: 'first@example.org' });
  const second = entry({ ...now, attempt, queueId: attempt, recipient: 'second@example.org' });
  return [
    { kind: 'begin', entries: [first] },
    { kind: 'note', name: attempt, value: 'durable' },
    { kind: 'begin', entries: [second] },
  ];
}

async function commitForEver(lane: number): Promise<never> {
  let scanned: string | undefined;
  for (let i = 0; ; i++) {
    const attempt = `${run}-${lane}-${i}`;
    await ledger.commit(changesOf(attempt));
    process.stdout.write(`durable ${attempt}\n`);
    ledger.defer([{ kind: 'settle', attempt, from: ['sending'], state: 'aborted', changed: i }]);
    // Nobody waits for it; but two turns of the disk later it is written.
    if (scanned !== undefined) process.stdout.write(`began ${scanned}\n`);
    ledger.scanBegan(digestOf(attempt));
    scanned = attempt;
    await ledger.commit([{ kind: 'note', name: 'lane', value: String(lane) }]);
  }
}

await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(commitForEver));
