import { statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { attemptStates, type LedgerChange, type LedgerEntry } from '../../src/store/ledger.ts';
import { openLedgerReader, type EntryFilter } from '../../src/store/ledger-reader.ts';
import { selectEntries } from '../../src/store/ledger-rows.ts';
import { recordBytesMax } from '../../src/store/ledger-journal.ts';
import { sliceMax } from '../../src/store/ledger-writer.ts';
import { entry, LedgerBench, retentionMs } from '../support/ledgers.ts';

let bench: LedgerBench;

beforeEach(async () => {
  bench = await LedgerBench.make();
});

afterEach(() => bench.remove());

const begin = (...entries: LedgerEntry[]): LedgerChange => ({ kind: 'begin', entries });
const prepare = (attempt: string): LedgerChange => ({
  kind: 'settle',
  attempt,
  from: ['sending'],
  state: 'prepared',
  nextQueueId: '4Zz',
  changed: 1_000_001,
});

/** Another program that writes to the file: the ledger's thread waits for it. */
function holdDatabase(): { release: () => void } {
  const database = new DatabaseSync(bench.file);
  database.exec('BEGIN IMMEDIATE');
  return {
    release: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

/** The states that the database has, whatever is in the journal. */
function stored(): unknown[] {
  const database = new DatabaseSync(bench.file, { readOnly: true });
  const rows = database.prepare('SELECT state FROM entries ORDER BY number').all();
  database.close();
  return rows.map(({ state }) => state);
}

async function settled(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}

const walBytes = () => statSync(`${bench.file}-wal`).size;

describe('a commit', () => {
  test('can be read when it has resolved, and not before', async () => {
    const ledger = await bench.open();
    const done = ledger.commit([begin(entry())]);
    expect(ledger.find('4Xy1')).toEqual([]);
    await done;
    expect(ledger.find('4Xy1')).toEqual([entry()]);
    await ledger.commit([prepare('a1')]);
    const prepared = entry({ state: 'prepared', nextQueueId: '4Zz', changed: 1_000_001 });
    expect(ledger.unsettled()).toEqual([prepared]);
  });

  test('of values that cannot be stored is given up aloud, and takes nothing with it', async () => {
    const ledger = await bench.open();
    const broken = begin(entry({ attempt: 'x' }), { ...entry(), digest: null as never });
    await ledger.commit([begin(entry({ attempt: 'a' })), broken, begin(entry({ attempt: 'b' }))]);
    await ledger.fold();
    expect(bench.warnings).toEqual([expect.stringContaining('a change was given up')]);
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['a', 'x', 'b']);
  });

  test('of more than a record takes is an error, and takes nothing with it', async () => {
    const ledger = await bench.open();
    const huge = begin(entry({ attempt: 'huge', orcpt: 'x'.repeat(recordBytesMax) }));
    const results = await Promise.allSettled([
      ledger.commit([begin(entry({ attempt: 'a' }))]),
      ledger.commit([huge]),
      ledger.commit([begin(entry({ attempt: 'b' }))]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['a', 'b']);
  });

  test('does not wait for the database, and is in it at the end', async () => {
    const ledger = await bench.open();
    const held = holdDatabase();
    await ledger.commit([begin(entry())]);
    const folding = ledger.fold();
    await ledger.commit([prepare('a1')]);
    expect(ledger.find('4Xy1')).toMatchObject([{ state: 'prepared' }]);
    held.release();
    await folding;
    expect(ledger.find('4Xy1')).toMatchObject([{ state: 'prepared' }]);
    await bench.close(ledger);
    expect(stored()).toEqual(['prepared']);
  });

  test('is in the database after half a second', async () => {
    const ledger = await bench.open();
    await ledger.commit([begin(entry())]);
    bench.clock.advance(499);
    await ledger.commit([]);
    expect(stored()).toEqual([]);
    bench.clock.advance(1);
    await bench.answered(ledger);
    expect(stored()).toEqual(['sending']);
  });

  test('after the end is an error, and so is a question', async () => {
    const ledger = await bench.open();
    await bench.close(ledger);
    await expect(ledger.commit([])).rejects.toMatchObject({ code: 'STORE' });
    for (const ask of [
      () => ledger.find('4Xy1'),
      () => ledger.unsettled(),
      () => ledger.note('n'),
    ]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'STORE' }));
    }
  });
});

describe('a deferred change', () => {
  test('travels with the next commit, before its changes', async () => {
    const ledger = await bench.open();
    ledger.defer([begin(entry())]);
    expect(bench.clock.pending).toBeGreaterThan(0);
    await ledger.commit([prepare('a1')]);
    expect(ledger.find('4Xy1')).toMatchObject([{ state: 'prepared' }]);
  });

  test('is stored soon when no commit comes', async () => {
    const ledger = await bench.open();
    ledger.defer([begin(entry())]);
    bench.clock.advance(49);
    await turn();
    expect(ledger.find('4Xy1')).toEqual([]);
    bench.clock.advance(1);
    await settled(() => ledger.find('4Xy1').length > 0);
    expect(ledger.find('4Xy1')).toEqual([entry()]);
  });

  test('is stored at the end', async () => {
    const ledger = await bench.open();
    ledger.defer([begin(entry())]);
    await bench.close(ledger);
    expect((await bench.open()).find('4Xy1')).toEqual([entry()]);
  });
});

/** An entry of about a kilobyte. */
const wide = (number: number, changes: Partial<LedgerEntry> = {}) =>
  entry({
    attempt: `w${number}`,
    queueId: String(number),
    orcpt: 'x'.repeat(1000),
    ...{ began: bench.clock.now(), changed: bench.clock.now() },
    ...changes,
  });

describe('the size', () => {
  test('has a ceiling: over it nothing new is begun, what is under way goes on, and nothing is lost', async () => {
    const ledger = await bench.open({ bytesMax: 200_000 });
    const many = Array.from({ length: 300 }, (_, i) => wide(i));
    await ledger.commit([begin(...many)]);
    await expect(ledger.fold()).rejects.toMatchObject({ message: expect.stringContaining('full') });
    expect(bench.warnings).toEqual([expect.stringMatching(/takes nothing.*full/)]);
    await expect(ledger.commit([begin(wide(999))])).rejects.toMatchObject({ code: 'STORE' });
    await ledger.commit([prepare('w7')]);
    expect(statSync(bench.file).size).toBeLessThanOrEqual(200_000);
    // Also after a death, or an end, while it is full; and then with more room.
    await bench.close(ledger);
    const still = await bench.open({ bytesMax: 200_000 });
    // Not even what is under way: it would stand where something is that is nowhere else.
    await expect(still.commit([prepare('w8')])).rejects.toMatchObject({ code: 'STORE' });
    for (let i = 0; i < 300; i++) expect(still.find(String(i))).toHaveLength(1);
    await bench.close(still);
    const roomy = await bench.open();
    await roomy.commit([begin(wide(999))]);
    expect(roomy.find('7')).toMatchObject([{ state: 'prepared' }]);
    expect(roomy.find('8')).toMatchObject([{ state: 'sending' }]);
    for (let i = 0; i < 300; i++) expect(roomy.find(String(i))).toHaveLength(1);
  });

  test('of the journal has one, too: what comes meanwhile waits until there is room', async () => {
    const ledger = await bench.open();
    const held = holdDatabase();
    const large = (attempt: string) => begin(entry({ attempt, orcpt: 'x'.repeat(5_000_000) }));
    await ledger.commit([large('a')]);
    // It has no room in this half, the other takes it; the third waits for the database.
    await ledger.commit([large('b')]);
    let done = false;
    const third = ledger.commit([large('c')]).then(() => (done = true));
    for (let i = 0; i < 20; i++) await turn();
    expect(done).toBe(false);
    held.release();
    await third;
    await bench.close(ledger);
    const again = await bench.open();
    expect(again.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['a', 'b', 'c']);
  });
});

describe('retention', () => {
  test('removes what was settled long ago, and later what never was', async () => {
    const ledger = await bench.open();
    const states = attemptStates.map((state) => entry({ attempt: state, state }));
    const young = entry({ attempt: 'young', changed: 1_000_000 + retentionMs });
    await ledger.commit([begin(...states, young)]);
    await bench.pass(ledger, retentionMs);
    expect(ledger.find('4Xy1')).toHaveLength(attemptStates.length + 1);
    await bench.pass(ledger, 7_200_000);
    const left = ledger.find('4Xy1').map(({ attempt }) => attempt);
    expect(left).toEqual(['sending', 'prepared', 'in-doubt', 'young']);
    await bench.pass(ledger, retentionMs);
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['young']);
    await bench.pass(ledger, 3 * retentionMs);
    expect(ledger.find('4Xy1')).toEqual([]);
    expect(bench.warnings).toEqual([]);
  });

  test('goes on in slices until nothing old is left', async () => {
    const ledger = await bench.open();
    const many = Array.from({ length: 2 * sliceMax + 1 }, (_, i) =>
      entry({ attempt: `a${i}`, state: 'delivered', changed: -retentionMs }),
    );
    await ledger.commit([begin(...many)]);
    await ledger.fold();
    bench.clock.advance(10_000);
    await bench.answered(ledger);
    expect(ledger.find('4Xy1')).toHaveLength(sliceMax + 1);
    bench.clock.advance(50);
    await bench.answered(ledger);
    bench.clock.advance(50);
    await bench.answered(ledger);
    expect(ledger.find('4Xy1')).toEqual([]);
  });

  test('forgets broken scans', async () => {
    const ledger = await bench.open();
    ledger.scanBegan('dd');
    await bench.pass(ledger, retentionMs);
    expect(ledger.brokenScans('dd')).toBe(1);
    await bench.pass(ledger, 7_200_000);
    expect(ledger.brokenScans('dd')).toBe(0);
  });

  test('that fails is told of, and tried again', async () => {
    const ledger = await bench.open({ commitMsMax: 100 });
    await ledger.commit([begin(entry({ state: 'delivered', changed: 0 }))]);
    await ledger.fold();
    const held = holdDatabase();
    bench.clock.advance(10_000);
    await turn();
    bench.clock.advance(100);
    await turn();
    expect(bench.warnings).toEqual([expect.stringContaining('could not be removed')]);
    held.release();
    await bench.pass(ledger, 2 * retentionMs);
    expect(ledger.find('4Xy1')).toEqual([]);
  });
});

test('compaction gives the room of removed entries back, while commits go on', async () => {
  const ledger = await bench.open();
  const many = Array.from({ length: 2000 }, (_, i) => wide(i, { state: 'delivered' }));
  await ledger.commit([begin(...many)]);
  await bench.pass(ledger, 2 * retentionMs);
  await ledger.compact();
  const compact = statSync(bench.file).size;
  expect(compact).toBeLessThan(200_000);
  expect(walBytes()).toBe(0);
  await ledger.commit([begin(...many)]);
  await Promise.all([ledger.compact(), ledger.commit([begin(entry())])]);
  expect(statSync(bench.file).size).toBeGreaterThan(2_000_000);
  expect(ledger.find('4Xy1')).toEqual([entry()]);
});

test('scans that began and never ended are counted over the end of the process', async () => {
  const digest = 'd'.repeat(64);
  const ledger = await bench.open();
  ledger.scanBegan(digest);
  ledger.scanBegan(digest);
  ledger.scanEnded(digest);
  expect(ledger.brokenScans(digest)).toBe(1);
  expect(ledger.brokenScans('0'.repeat(64))).toBe(0);
  await bench.close(ledger);
  const again = await bench.open();
  expect(again.brokenScans(digest)).toBe(1);
});

describe('a reader', () => {
  test.each([true, false])(
    'gives the entries that a filter lets through; in the database: %s',
    async (isFolded) => {
      const ledger = await bench.open();
      await ledger.commit([
        begin(
          entry({ attempt: 'a', queueId: 'Q1', state: 'delivered', changed: 10 }),
          entry({ attempt: 'b', queueId: 'Q2', state: 'in-doubt', changed: 20 }),
          entry({ attempt: 'c', queueId: 'Q2', recipient: 'me@example.org', changed: 30 }),
          entry({ attempt: 'd', queueId: 'Q3', changed: 15 }),
        ),
      ]);
      if (isFolded) await ledger.fold();
      // It is in the journal alone what a retry finds, and the filter has to go by that.
      await ledger.commit([
        { kind: 'settle', attempt: 'd', from: ['sending'], state: 'aborted', changed: 40 },
      ]);
      const reader = openLedgerReader(bench.file);
      const found = (filter: EntryFilter) => [...reader.entries(filter)].map((one) => one.attempt);
      expect(found({})).toEqual(['a', 'b', 'c', 'd']);
      expect(found({ states: ['aborted'] })).toEqual(['d']);
      expect(found({ states: ['delivered', 'in-doubt'] })).toEqual(['a', 'b']);
      expect(found({ states: [] })).toEqual([]);
      expect(found({ queueId: 'Q2' })).toEqual(['b', 'c']);
      expect(found({ recipient: 'me@example.org' })).toEqual(['c']);
      expect(found({ changedBefore: 20 })).toEqual(['a']);
      expect(found({ changedSince: 20 })).toEqual(['b', 'c', 'd']);
      expect(found({ queueId: 'Q2', changedSince: 30 })).toEqual(['c']);
      expect(reader.unsettled()).toHaveLength(2);
      reader.close();
    },
  );

  test('reads more than it takes at once, and keeps nobody from writing', async () => {
    const ledger = await bench.open();
    const many = Array.from({ length: 1200 }, (_, i) => entry({ attempt: `a${i}` }));
    await ledger.commit([begin(...many)]);
    await ledger.fold();
    const reader = openLedgerReader(bench.file);
    const all = reader.entries();
    const read = [all.next().value];
    await ledger.commit([begin(entry({ attempt: 'meanwhile' }))]);
    await ledger.compact();
    expect(walBytes()).toBe(0);
    read.push(...all);
    expect(read).toHaveLength(1201);
    reader.close();
  });

  test.each([true, false])('reads a ledger that is open: %s', async (isOpen) => {
    const ledger = await bench.open();
    await ledger.commit([begin(entry()), { kind: 'note', name: 'n', value: 'v' }]);
    if (!isOpen) await bench.close(ledger);
    const reader = openLedgerReader(bench.file);
    expect(reader.find('4Xy1')).toEqual([entry()]);
    expect(reader.note('n')).toBe('v');
    expect(reader.note('other')).toBeUndefined();
    reader.close();
    // It leaves nothing behind that would keep the daemon from going on.
    if (!isOpen) expect((await bench.open()).find('4Xy1')).toEqual([entry()]);
  });

  test.each([
    ['missing', 'there is none'],
    ['no longer there', 'its marker says that it was there: restore'],
    ['a directory', 'it is a directory'],
    ['no database', 'file is not a database'],
  ])('refuses what is %s: %s', async (kind, why) => {
    if (kind === 'no longer there') await writeFile(`${bench.file}.marker`, '');
    if (kind === 'a directory') await mkdir(bench.file);
    if (kind === 'no database') await writeFile(bench.file, 'x'.repeat(5000));
    const refusal = { code: 'STORE', message: expect.stringContaining(why) };
    expect(() => openLedgerReader(bench.file)).toThrow(expect.objectContaining(refusal));
  });

  test('finds by an index whatever is asked while messages wait', async () => {
    const ledger = await bench.open();
    await bench.close(ledger);
    const database = new DatabaseSync(bench.file);
    const plan = (where: string) =>
      JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN ${selectEntries} ${where}`).all());
    expect(plan("WHERE queue_id = 'x' ORDER BY began, number")).toContain('entries_queue_id');
    expect(
      plan("WHERE state IN ('sending', 'prepared', 'in-doubt') ORDER BY began, number"),
    ).toContain('entries_unsettled');
    database.close();
  });
});
