import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from '@jest/globals';
import { OperationalError } from '../../src/errors.ts';
import type { LedgerChange } from '../../src/store/ledger.ts';
import type { Answer } from '../../src/store/ledger-orders.ts';
import { ScanLog, scansMax } from '../../src/store/ledger-scans.ts';
import { createTables } from '../../src/store/ledger-schema.ts';
import { carriedMax, LedgerWriter } from '../../src/store/ledger-writer.ts';
import { entry } from '../support/ledgers.ts';

let database: DatabaseSync;
let scans: DatabaseSync;
let writer: LedgerWriter;
let warnings: string[];
let misplaced: boolean;

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  createTables(database, 'id');
  scans = new DatabaseSync(':memory:');
  scans.exec('CREATE TABLE scans (digest TEXT PRIMARY KEY, unended INTEGER, at REAL)');
  warnings = [];
  misplaced = false;
  writer = new LedgerWriter(
    database,
    new ScanLog(scans),
    (what) => warnings.push(what),
    () => {
      if (misplaced) throw new OperationalError('STORE', 'the file is gone');
    },
  );
});

const begin = (attempt: string): LedgerChange => ({ kind: 'begin', entries: [entry({ attempt })] });
const faulty: LedgerChange = { kind: 'note', name: 'n', value: null as never };
const attempts = () =>
  database
    .prepare('SELECT attempt FROM entries ORDER BY number')
    .all()
    .map(({ attempt }) => attempt);

/** The disk is full, or has room again. */
function full(isFull: boolean): void {
  const used = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${isFull ? used : 100_000}`);
}

const tooLarge = (attempt: string): LedgerChange => ({
  kind: 'begin',
  entries: [entry({ attempt, orcpt: 'x'.repeat(100_000) })],
});

function write(...orders: { deferred?: LedgerChange[]; changes?: LedgerChange[] }[]): Answer[] {
  const answers: Answer[] = [];
  writer.write(
    orders.map(({ deferred = [], changes = [] }, index) => ({
      ...{ id: index + 1, kind: 'write', deferred, changes },
    })),
    (some) => answers.push(...some),
  );
  expect(answers.map(({ id }) => id).sort()).toEqual(orders.map((_, index) => index + 1));
  return answers.sort((a, b) => a.id - b.id);
}

test('orders of a batch are stored in their order, deferred changes before the others', () => {
  const answers = write(
    { deferred: [begin('a')], changes: [begin('b')] },
    { deferred: [begin('c')], changes: [begin('d')] },
  );
  expect(answers).toEqual([{ id: 1 }, { id: 2 }]);
  expect(attempts()).toEqual(['a', 'b', 'c', 'd']);
});

test('while the file is not in its place nothing is stored, and deferred changes are kept', () => {
  misplaced = true;
  const answers = write({ deferred: [begin('deferred')], changes: [begin('a')] });
  expect(answers).toEqual([{ id: 1, problem: 'the file is gone' }]);
  expect(attempts()).toEqual([]);
  misplaced = false;
  write({ changes: [begin('b')] });
  expect(attempts()).toEqual(['deferred', 'b']);
});

test('an order that fails leaves nothing of itself, and what was deferred is stored', () => {
  const answers = write({
    deferred: [begin('deferred')],
    changes: [begin('half'), faulty],
  });
  expect(answers).toEqual([{ id: 1, problem: expect.any(String) }]);
  expect(attempts()).toEqual(['deferred']);
  expect(warnings).toEqual([]);
});

test('what was deferred waits for room, and goes before all that comes later', () => {
  full(true);
  const answers = write(
    { deferred: [begin('a'), tooLarge('b')], changes: [begin('c')] },
    { deferred: [begin('d')], changes: [] },
  );
  expect(answers).toMatchObject(
    [{ problem: /full/ }, { problem: /full/ }].map(() => ({
      problem: expect.stringContaining('full'),
    })),
  );
  full(false);
  expect(write({ changes: [begin('e')] })).toEqual([{ id: 1 }]);
  expect(attempts()).toEqual(['a', 'b', 'd', 'e']);
  expect(write({ changes: [begin('f')] })).toEqual([{ id: 1 }]);
  expect(attempts()).toEqual(['a', 'b', 'd', 'e', 'f']);
});

test('a deferred change that never can be stored is given up aloud, and nothing else', () => {
  write({ deferred: [begin('a'), faulty, begin('b')], changes: [begin('c')] });
  expect(warnings).toEqual([expect.stringContaining('(note) was given up')]);
  expect(write({ changes: [begin('d')] })).toEqual([{ id: 1 }]);
  expect(attempts()).toEqual(['a', 'b', 'd']);
});

test('there is an end to what waits for room', () => {
  full(true);
  write({ deferred: [tooLarge('first')] });
  write({ deferred: Array.from({ length: carriedMax }, (_, i) => begin(`a${i}`)) });
  expect(warnings).toEqual([expect.stringContaining('1 deferred changes were given up')]);
  full(false);
  write({ changes: [begin('last')] });
  expect(attempts()).toEqual([...Array.from({ length: carriedMax }, (_, i) => `a${i}`), 'last']);
});

test('scans are answered before what has an fsync to wait for', () => {
  const answered: number[][] = [];
  const began: LedgerChange = { kind: 'scan-began', digest: 'd', at: 1 };
  const order = { kind: 'write', deferred: [], changes: [began] } as const;
  writer.write(
    [
      { ...order, id: 1, changes: [begin('a'), began] },
      { ...order, id: 2 },
    ],
    (answers) => answered.push(answers.map(({ id }) => id)),
  );
  expect(answered).toEqual([[2], [1]]);
  expect(scans.prepare('SELECT unended FROM scans').get()).toEqual({ unended: 2 });
});

test('scans that cannot be counted fail their order, and what was deferred is stored later', () => {
  scans.exec('DROP TABLE scans');
  const began: LedgerChange = { kind: 'scan-began', digest: 'd', at: 1 };
  const answers = write({ deferred: [begin('a')], changes: [began, begin('b')] }, {});
  expect(answers).toEqual([{ id: 1, problem: expect.any(String) }, { id: 2 }]);
  expect(attempts()).toEqual(['a']);
});

test('there is an end to the scans that are remembered: the oldest go', () => {
  const changes: LedgerChange[] = Array.from({ length: scansMax + 5 }, (_, at) => ({
    ...{ kind: 'scan-began', digest: `d${at}`, at },
  }));
  write({ changes });
  writer.expire(1, 0);
  const row = scans.prepare('SELECT count(*) AS count, min(at) AS oldest FROM scans').get();
  expect(row).toEqual({ count: scansMax, oldest: 5 });
});
