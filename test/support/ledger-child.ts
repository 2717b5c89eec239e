/**
 * A process for ledger-kill.test.ts: opens the ledger named on its command line and commits without
 * an end, several at once, and says which are durable. It is killed.
 */
import { systemClock } from '../../src/clock.ts';
import type { LedgerChange } from '../../src/store/ledger.ts';
import { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { entry } from './ledgers.ts';

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
  for (let i = 0; ; i++) {
    const attempt = `${run}-${lane}-${i}`;
    await ledger.commit(changesOf(attempt));
    process.stdout.write(`durable ${attempt}\n`);
    ledger.defer([{ kind: 'settle', attempt, from: ['sending'], state: 'aborted', changed: i }]);
    await ledger.commit([{ kind: 'scan-began', digest: attempt, at: systemClock.now() }]);
    process.stdout.write(`began ${attempt}\n`);
  }
}

await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(commitForEver));
