import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LedgerChange } from '../../src/store/ledger.ts';
import { LedgerCommits, type CommitsSettings } from '../../src/store/ledger-commits.ts';
import { decodeJournal, journalHeader, unfoldedRecords } from '../../src/store/ledger-journal.ts';
import type { PlacedFile } from '../../src/store/placed-file.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { entry } from '../support/ledgers.ts';

type Fate = 'written' | 'refused' | 'written all the same' | 'torn' | 'dies before' | 'dies after';

/** A disk on which each write has the fate that is next in a list, and then all are written. */
class FatefulFile implements PlacedFile {
  content = journalHeader('a'.repeat(32));
  readonly fates: Fate[];
  writes = 0;
  isDead = false;
  hung: (() => void)[] | undefined;

  constructor(fates: readonly Fate[] = []) {
    this.fates = [...fates];
  }

  write(bytes: Buffer, position: number, done: (problem: Error | undefined) => void): void {
    this.writes++;
    const end = (): void => {
      this.#end(this.fates.shift() ?? 'written', bytes, position, done);
    };
    if (this.hung) this.hung.push(end);
    else setImmediate(end);
  }

  #end(fate: Fate, bytes: Buffer, at: number, done: (problem?: Error) => void): void {
    if (this.isDead) return;
    this.isDead = fate === 'dies before' || fate === 'dies after';
    if (fate === 'torn') this.#put(bytes.subarray(0, bytes.length / 2), at);
    else if (fate !== 'refused' && fate !== 'dies before') this.#put(bytes, at);
    if (!this.isDead) done(fate === 'written' ? undefined : new Error(fate));
  }

  #put(bytes: Buffer, at: number): void {
    const grown = Buffer.alloc(Math.max(this.content.length, at + bytes.length));
    this.content.copy(grown);
    bytes.copy(grown, at);
    this.content = grown;
  }

  close(): void {
    this.isDead = true;
  }
}

let clock: FakeClock;
let warnings: string[];
let durable: LedgerChange[];
/** By the event loop, as far as the commits are told. */
let handled: number;

beforeEach(() => {
  [clock, warnings, durable, handled] = [new FakeClock(), [], [], 0];
});

/** The first half is free; the other would have each run write 8 MiB. */
function commitsTo(journal: PlacedFile, more: Partial<CommitsSettings> = {}): LedgerCommits {
  const commits = new LedgerCommits({
    ...{ clock, commitMsMax: 1000, eventsHandled: () => handled, journal, last: 0 },
    checkPlace: () => undefined,
    onDurable: (changes) => durable.push(...changes),
    onFull: () => undefined,
    warn: (what) => warnings.push(what),
    ...more,
  });
  commits.useOtherHalf();
  return commits;
}

const note = (value: number): LedgerChange => ({ kind: 'note', name: 'n', value: String(value) });

/** What the next process finds. */
function left(file: FatefulFile): number[] {
  const journal = decodeJournal(file.content);
  if (journal.kind !== 'journal') throw new Error('it is no journal');
  const { records, isWhole } = unfoldedRecords(journal.records, 0);
  expect(isWhole).toBe(true);
  return records.flatMap(({ changes }) =>
    changes.map((change) => (change.kind === 'note' ? Number(change.value) : NaN)),
  );
}

describe('what was said to be durable', () => {
  test('is there, in its order, whatever becomes of any write, and whenever we die', async () => {
    const fate = fc.constantFrom<Fate>(
      ...(['written', 'written', 'refused', 'written all the same', 'torn'] as const),
      ...(['dies before', 'dies after'] as const),
    );
    const step = fc.record({ commits: fc.nat(3), deferred: fc.nat(1) });
    const property = fc.asyncProperty(fc.array(fate), fc.array(step), async (fates, steps) => {
      const file = new FatefulFile(fates);
      durable = [];
      const commits = commitsTo(file);
      const [said, unsaid] = [new Set<number>(), new Set<number>()];
      let next = 0;
      for (const { commits: count, deferred } of steps) {
        if (deferred > 0) {
          unsaid.add(next);
          commits.defer([note(next++)]);
        }
        for (let i = 0; i < count; i++) {
          const number = next++;
          unsaid.add(number);
          const ok = (): Set<number> => said.add(number);
          commits.commit([note(number)]).then(ok, () => undefined);
        }
        await turn();
      }
      for (let i = 0; i < 20; i++) await turn();
      const found = left(file);
      expect(found.filter((one) => said.has(one))).toEqual([...said]);
      expect(found.every((one) => unsaid.has(one))).toBe(true);
      // What is read while we live is what we said.
      const seen = durable.map((one) => (one.kind === 'note' ? Number(one.value) : NaN));
      expect(seen.filter((one) => said.has(one))).toEqual([...said]);
      if (!file.isDead) expect(seen.every((one) => found.includes(one))).toBe(true);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});

test('all that comes while the disk is at work shares one write', async () => {
  const file = new FatefulFile();
  file.hung = [];
  const commits = commitsTo(file);
  const all = [commits.commit([note(0)])];
  await turn();
  for (let n = 1; n <= 50; n++) {
    all.push(commits.commit([note(n)]));
    await turn();
  }
  expect(file.writes).toBe(1);
  file.hung.forEach((end) => {
    end();
  });
  file.hung = undefined;
  await Promise.all(all);
  expect(file.writes).toBe(2);
});

test('what comes while the disk is idle is written at once, whatever was shared before', async () => {
  const file = new FatefulFile();
  const commits = commitsTo(file);
  await Promise.all([0, 1, 2, 3].map((number) => commits.commit([note(number)])));
  for (const number of [4, 5]) await commits.commit([note(number)]);
  expect([file.writes, left(file)]).toEqual([3, [0, 1, 2, 3, 4, 5]]);
});

describe('an event loop that has more to do', () => {
  test('has what comes meanwhile share the write', async () => {
    const file = new FatefulFile();
    const commits = commitsTo(file);
    const all: Promise<void>[] = [];
    for (const number of [0, 1, 2]) {
      all.push(commits.commit([note(number)]));
      handled++;
      await turn();
      expect(file.writes).toBe(0);
    }
    await Promise.all(all);
    expect([file.writes, left(file)]).toEqual([1, [0, 1, 2]]);
  });

  test('is waited for no longer than 2 ms', async () => {
    const file = new FatefulFile();
    const commits = commitsTo(file);
    const commit = commits.commit([note(0)]);
    for (const ms of [0, 1, 0.9]) {
      handled++;
      clock.advance(ms);
      await turn();
      expect(file.writes).toBe(0);
    }
    handled++;
    clock.advance(0.1);
    await turn();
    expect(file.writes).toBe(1);
    await commit;
  });
});

describe('a disk that hangs', () => {
  test('fails each commit in its time, and goes on where it was', async () => {
    const file = new FatefulFile();
    const hung = (file.hung = []) as (() => void)[];
    const commits = commitsTo(file);
    const first = commits.commit([note(1)]);
    await turn();
    clock.advance(600);
    const second = commits.commit([note(2)]);
    clock.advance(400);
    await expect(first).rejects.toThrow('has not answered for 1000 ms');
    file.hung = undefined;
    hung.forEach((end) => {
      end();
    });
    await second;
    expect(left(file)).toEqual([1, 2]);
    clock.advance(5000);
    await commits.commit([note(3)]);
  });

  test('has an end to what waits for it, given up or not', async () => {
    const file = new FatefulFile();
    file.hung = [];
    const commits = commitsTo(file);
    const all = Promise.allSettled(
      Array.from({ length: 10_000 }, (_, n) => commits.commit([note(n)])),
    );
    await expect(commits.commit([note(-1)])).rejects.toThrow('too much waits');
    await turn();
    const more = Promise.allSettled(
      Array.from({ length: 10_000 }, (_, n) => commits.commit([note(n)])),
    );
    clock.advance(1000);
    await Promise.all([all, more]);
    await expect(commits.commit([note(-1)])).rejects.toThrow('too much waits');
    for (let n = 0; n <= 10_000; n++) commits.defer([note(n)]);
    expect(warnings).toEqual([expect.stringContaining('were given up')]);
  });
});

test('what was deferred and not written is told of, and travels with the next commit', async () => {
  const file = new FatefulFile(['refused']);
  const commits = commitsTo(file);
  commits.defer([note(1)]);
  clock.advance(50);
  while (warnings.length === 0) await turn();
  expect(warnings).toEqual(['deferred changes are not stored yet: refused']);
  await commits.commit([note(2)]);
  expect(left(file)).toEqual([1, 2]);
});

test('while a file is not in its place nothing is written', async () => {
  const file = new FatefulFile();
  let isGone = true;
  const checkPlace = (): void => {
    if (isGone) throw new Error('it is gone');
  };
  const commits = commitsTo(file, { checkPlace });
  await expect(commits.commit([note(1)])).rejects.toThrow('it is gone');
  expect(file.writes).toBe(0);
  isGone = false;
  await commits.commit([note(2)]);
  expect(left(file)).toEqual([2]);
});

test('while the database takes nothing, nothing is begun, and what has begun goes on', async () => {
  const file = new FatefulFile();
  const commits = commitsTo(file);
  const begin: LedgerChange = { kind: 'begin', entries: [entry()] };
  commits.setProblem('it is full');
  await expect(commits.commit([begin])).rejects.toThrow('it is full');
  await commits.commit([note(1)]);
  commits.setProblem(undefined);
  await commits.commit([begin]);
});

test('a half that is full waits for the other, and fails when that is not to be had', async () => {
  const file = new FatefulFile();
  let full = 0;
  const commits = commitsTo(file, { onFull: () => full++ });
  const large = (attempt: string): LedgerChange => ({
    kind: 'begin',
    entries: [entry({ attempt, orcpt: 'x'.repeat(5_000_000) })],
  });
  await commits.commit([large('a')]);
  const second = commits.commit([large('b')]);
  while (full === 0) await turn();
  expect(file.writes).toBe(1);
  commits.useOtherHalf();
  await second;
  const third = commits.commit([large('c')]);
  while (full === 1) await turn();
  commits.setProblem('it is full');
  await expect(third).rejects.toThrow('it is full');
  await expect(commits.commit([note(1)])).rejects.toThrow('it is full');
});

test('at the end all of it is written, and nothing is taken any more', async () => {
  const file = new FatefulFile();
  const commits = commitsTo(file);
  commits.defer([note(1)]);
  await commits.close();
  expect(left(file)).toEqual([1]);
  await expect(commits.commit([note(2)])).rejects.toThrow('closed');
  const failing = commitsTo(new FatefulFile(['refused']));
  failing.defer([note(1)]);
  await expect(failing.close()).rejects.toMatchObject({ code: 'STORE' });
});
