import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  attemptStates,
  type Ledger,
  type LedgerChange,
  type LedgerEntry,
} from '../../src/store/ledger.ts';
import { LedgerBench } from '../support/ledgers.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';

let bench: LedgerBench;

beforeEach(async () => {
  bench = await LedgerBench.make();
});

afterEach(() => bench.remove());

const queueIds = ['4Xa', '4Xb'];
const digests = ['d1', 'd2'];
const names = ['n1', 'n2'];
const time = fc.integer({ min: 0, max: 5 });
const reply = fc.constantFrom(
  { code: 250, enhanced: '2.0.0', lines: ['Ok: queued as 4Xz'] },
  { code: 451, lines: ['it\'s \u{1f4e7} \\ " \0', ''] },
);
const state = fc.constantFrom(...attemptStates);
const attempt = fc.constantFrom('a1', 'a2', 'a3');
const box = {
  recipient: fc.constantFrom('x@example.org', 'Y@exämple.org', ''),
  orcpt: fc.constantFrom('', 'rfc822;x@example.org'),
};

const entry = fc.record(
  {
    ...{ attempt, queueId: fc.constantFrom(...queueIds), digest: fc.constantFrom(...digests) },
    ...{ ...box, state, nextHop: fc.constant('127.0.0.1:10025') },
    ...{ nextQueueId: fc.string(), reply, quarantineId: fc.string(), began: time, changed: time },
  },
  {
    requiredKeys: [
      ...(['attempt', 'queueId', 'digest', 'recipient', 'orcpt', 'state'] as const),
      ...(['nextHop', 'began', 'changed'] as const),
    ],
  },
);

const change: fc.Arbitrary<LedgerChange> = fc.oneof(
  fc.record({
    kind: fc.constant('begin' as const),
    entries: fc.array(entry, { maxLength: 3 }),
  }),
  fc.record(
    {
      kind: fc.constant('settle' as const),
      attempt,
      recipients: fc.array(fc.record(box), { maxLength: 3 }),
      from: fc.uniqueArray(state),
      state,
      nextQueueId: fc.string(),
      reply,
      changed: time,
    },
    { requiredKeys: ['kind', 'attempt', 'from', 'state', 'changed'] },
  ),
  fc.record({
    kind: fc.constant('note' as const),
    name: fc.constantFrom(...names),
    value: fc.string({ unit: 'grapheme' }),
  }),
);

const steps = fc.array(
  fc.record({ deferred: fc.array(change), changes: fc.array(change, { minLength: 1 }) }),
  { maxLength: 8 },
);

/** The same script with names of its own, since all runs share a ledger. */
function ofRun(run: number, change: LedgerChange): LedgerChange {
  switch (change.kind) {
    case 'begin':
      return { ...change, entries: change.entries.map((one) => entryOfRun(run, one)) };
    case 'settle':
      return { ...change, attempt: `${run}${change.attempt}` };
    case 'note':
      return { ...change, name: `${run}${change.name}` };
  }
}

function entryOfRun(run: number, { attempt, queueId, ...rest }: LedgerEntry): LedgerEntry {
  return { ...rest, attempt: `${run}${attempt}`, queueId: `${run}${queueId}` };
}

function answersOf(ledger: Ledger, run: number): unknown {
  return {
    found: queueIds.map((id) => ledger.find(`${run}${id}`)),
    unsettled: ledger.unsettled(),
    notes: names.map((name) => ledger.note(`${run}${name}`)),
  };
}

test('the ledger on disk and the one in memory answer alike', async () => {
  const disk = await bench.open();
  const memory = new MemoryLedger((finish) => {
    queueMicrotask(finish);
  });
  let run = 0;
  const property = fc.asyncProperty(steps, async (script) => {
    run++;
    for (const step of script) {
      const [deferred, changes] = [step.deferred, step.changes].map((all) =>
        all.map((one) => ofRun(run, one)),
      ) as [LedgerChange[], LedgerChange[]];
      for (const ledger of [disk, memory]) ledger.defer(deferred);
      await Promise.all([disk.commit(changes), memory.commit(changes)]);
      expect(answersOf(disk, run)).toEqual(answersOf(memory, run));
    }
    await Promise.all([disk.commit([]), memory.commit([])]);
    expect(answersOf(disk, run)).toEqual(answersOf(memory, run));
  });
  await fc.assert(property, { numRuns: 40 });
  await bench.close(disk);
  const again = await bench.open();
  const after = memory.crash();
  for (let each = 1; each <= run; each++) {
    expect(answersOf(again, each)).toEqual(answersOf(after, each));
  }
}, 30_000);
