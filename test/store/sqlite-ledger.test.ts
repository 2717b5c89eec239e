import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { attemptStates, type LedgerChange, type LedgerEntry } from '../../src/store/ledger.ts';
import { openLedgerReader, type EntryFilter } from '../../src/store/ledger-reader.ts';
import { selectEntries } from '../../src/store/ledger-rows.ts';
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

  test('shares its fsync with all that came while the disk was at work', async () => {
    const ledger = await bench.open();
    await ledger.commit([]);
    const before = walBytes();
    const held = holdDatabase();
    const done = [ledger.commit([begin(entry({ attempt: 'first' }))])];
    for (let i = 0; i < 50; i++) {
      await turn();
      done.push(ledger.commit([begin(entry({ attempt: `a${i}` }))]));
    }
    held.release();
    await Promise.all(done);
    expect(ledger.find('4Xy1')).toHaveLength(51);
    // One page of 4 KiB at least for a transaction; more than two of them would be thrice that.
    expect(walBytes() - before).toBeLessThan(51 * 4096);
  });

  test('that the disk does not answer in time is an error, and the next is tried all the same', async () => {
    const ledger = await bench.open({ commitMsMax: 5000 });
    const held = holdDatabase();
    const late = ledger.commit([begin(entry({ attempt: 'late' }))]);
    bench.clock.advance(3000);
    const later = ledger.commit([begin(entry({ attempt: 'later' }))]);
    bench.clock.advance(2000);
    await expect(late).rejects.toMatchObject({ code: 'STORE' });
    held.release();
    await later;
    bench.clock.advance(10_000);
    await ledger.commit([begin(entry({ attempt: 'last' }))]);
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(
      expect.arrayContaining(['later', 'last']),
    );
  });

  test('of values that cannot be stored fails alone', async () => {
    const ledger = await bench.open();
    const broken = begin(entry({ attempt: 'x' }), { ...entry(), digest: null as never });
    const results = await Promise.allSettled([
      ledger.commit([begin(entry({ attempt: 'a' }))]),
      ledger.commit([broken]),
      ledger.commit([begin(entry({ attempt: 'b' }))]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'STORE' } });
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['a', 'b']);
  });

  test('after the end is an error, and so is a question', async () => {
    const ledger = await bench.open();
    await bench.close(ledger);
    await expect(ledger.commit([])).rejects.toMatchObject({ code: 'STORE' });
    for (const ask of [
      () => ledger.find('4Xy1'),
      () => ledger.unsettled(),
      () => ledger.brokenScans('d'),
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
    await ledger.commit([{ kind: 'scan-began', digest: 'd', at: 1 }]);
    expect(ledger.find('4Xy1')).toEqual([]);
    bench.clock.advance(1);
    await bench.answered(ledger);
    expect(ledger.find('4Xy1')).toEqual([entry()]);
  });

  test('is stored at the end', async () => {
    const ledger = await bench.open();
    ledger.defer([begin(entry())]);
    await bench.close(ledger);
    expect((await bench.open()).find('4Xy1')).toEqual([entry()]);
  });

  test('is kept while the disk is full, and stored before what needs it', async () => {
    const ledger = await bench.open({ bytesMax: 200_000 });
    await fill(ledger);
    ledger.defer([begin(wide(9999))]);
    bench.clock.advance(50);
    await expect(ledger.commit([begin(wide(8888))])).rejects.toMatchObject({ code: 'STORE' });
    await bench.answered(ledger);
    expect(bench.warnings.join()).toMatch(/not stored yet.*full/);
    await bench.pass(ledger, 2 * retentionMs);
    await ledger.commit([prepare('w9999')]);
    expect(ledger.find('9999')).toMatchObject([{ state: 'prepared' }]);
    expect(ledger.find('8888')).toEqual([]);
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

async function fill(ledger: { commit(changes: LedgerChange[]): Promise<void> }): Promise<number> {
  for (let i = 0; ; i++) {
    try {
      await ledger.commit([begin(wide(i, { state: 'delivered' }))]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE', message: expect.stringContaining('full') });
      return i;
    }
  }
}

describe('the size', () => {
  test('has a ceiling: over it commits fail aloud, and nothing that was stored is lost', async () => {
    const ledger = await bench.open({ bytesMax: 200_000 });
    const stored = await fill(ledger);
    expect(stored).toBeGreaterThan(20);
    expect(statSync(bench.file).size).toBeLessThanOrEqual(200_000);
    for (let i = 0; i < stored; i++) expect(ledger.find(String(i))).toHaveLength(1);
    expect(ledger.find(String(stored))).toEqual([]);
  });

  test('one that does not fit takes none of its batch with it', async () => {
    const ledger = await bench.open({ bytesMax: 200_000 });
    const huge = begin(entry({ attempt: 'huge', orcpt: 'x'.repeat(300_000) }));
    const results = await Promise.allSettled([
      ledger.commit([begin(entry({ attempt: 'a' }))]),
      ledger.commit([huge]),
      ledger.commit([begin(entry({ attempt: 'b' }))]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ledger.find('4Xy1').map(({ attempt }) => attempt)).toEqual(['a', 'b']);
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
    await ledger.commit([{ kind: 'scan-began', digest: 'd', at: 1_000_000 }]);
    await bench.pass(ledger, retentionMs);
    expect(ledger.brokenScans('d')).toBe(1);
    await bench.pass(ledger, 7_200_000);
    expect(ledger.brokenScans('d')).toBe(0);
  });

  test('that fails is told of, and tried again', async () => {
    const ledger = await bench.open({ commitMsMax: 100 });
    await ledger.commit([begin(entry({ state: 'delivered', changed: 0 }))]);
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

test('scans that began and never ended are counted over the death of the process', async () => {
  const ledger = await bench.open();
  const began = { kind: 'scan-began', digest: 'd', at: 1_000_000 } as const;
  await ledger.commit([began, began, { kind: 'scan-ended', digest: 'd' }]);
  expect(ledger.brokenScans('d')).toBe(1);
  expect(ledger.brokenScans('other')).toBe(0);
  await bench.close(ledger);
  const again = await bench.open();
  expect(again.brokenScans('d')).toBe(1);
});

test('scans do not wait for the disk that others wait for', async () => {
  const ledger = await bench.open();
  const held = holdDatabase();
  const slow = ledger.commit([begin(entry())]);
  await ledger.commit([{ kind: 'scan-began', digest: 'd', at: 1 }]);
  expect(ledger.brokenScans('d')).toBe(1);
  expect(ledger.find('4Xy1')).toEqual([]);
  held.release();
  await slow;
});

describe('a reader', () => {
  test('gives the entries that a filter lets through', async () => {
    const ledger = await bench.open();
    await ledger.commit([
      begin(
        entry({ attempt: 'a', queueId: 'Q1', state: 'delivered', changed: 10 }),
        entry({ attempt: 'b', queueId: 'Q2', state: 'in-doubt', changed: 20 }),
        entry({ attempt: 'c', queueId: 'Q2', recipient: 'me@example.org', changed: 30 }),
      ),
    ]);
    const reader = openLedgerReader(bench.file);
    const found = (filter: EntryFilter) => [...reader.entries(filter)].map((one) => one.attempt);
    expect(found({})).toEqual(['a', 'b', 'c']);
    expect(found({ states: ['delivered', 'in-doubt'] })).toEqual(['a', 'b']);
    expect(found({ states: [] })).toEqual([]);
    expect(found({ queueId: 'Q2' })).toEqual(['b', 'c']);
    expect(found({ recipient: 'me@example.org' })).toEqual(['c']);
    expect(found({ changedBefore: 20 })).toEqual(['a']);
    expect(found({ changedSince: 20 })).toEqual(['b', 'c']);
    expect(found({ queueId: 'Q2', changedSince: 30 })).toEqual(['c']);
    expect(reader.unsettled()).toHaveLength(2);
    reader.close();
  });

  test('reads more than it takes at once, and keeps nobody from writing', async () => {
    const ledger = await bench.open();
    const many = Array.from({ length: 1200 }, (_, i) => entry({ attempt: `a${i}` }));
    await ledger.commit([begin(...many)]);
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

  test.each(['missing', 'no database'])('refuses a file that is %s', async (kind) => {
    if (kind !== 'missing') await writeFile(bench.file, 'x'.repeat(5000));
    expect(() => openLedgerReader(bench.file)).toThrow(expect.objectContaining({ code: 'STORE' }));
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
