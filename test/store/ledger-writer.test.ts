import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from '@jest/globals';
import { OperationalError } from '../../src/errors.ts';
import { createTables } from '../../src/store/ledger-schema.ts';
import type { Fold } from '../../src/store/ledger-unfolded.ts';
import { LedgerWriter } from '../../src/store/ledger-writer.ts';
import { entry } from '../support/ledgers.ts';

let database: DatabaseSync;
let writer: LedgerWriter;
let warnings: string[];
let misplaced: boolean;

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  createTables(database, 'id');
  [warnings, misplaced] = [[], false];
  writer = new LedgerWriter(
    database,
    (what) => warnings.push(what),
    () => {
      if (misplaced) throw new OperationalError('STORE', 'the file is gone');
    },
  );
});

const fold = (through: number, more: Partial<Fold>): Fold => ({
  ...{ entries: [], settlements: [], notes: [] },
  ...more,
  through,
});
const rows = () =>
  database
    .prepare('SELECT attempt, state FROM entries ORDER BY number')
    .all()
    .map(({ attempt, state }) => `${String(attempt)} ${String(state)}`);
const folded = () => database.prepare('SELECT folded FROM identity').get()?.['folded'];
const aborted = (attempt: string) =>
  ({ kind: 'settle', attempt, from: ['sending'], state: 'aborted', changed: 1 }) as const;

test('what befalls entries that are there befalls no new ones, and the number is stored with it', () => {
  writer.fold(fold(3, { entries: [entry({ attempt: 'a' }), entry({ attempt: 'b' })] }));
  writer.fold(
    fold(7, { entries: [entry({ attempt: 'c' })], settlements: [aborted('a'), aborted('c')] }),
  );
  expect(rows()).toEqual(['a aborted', 'b sending', 'c sending']);
  expect(folded()).toBe(7);
});

test('what has been taken over is not taken over again', () => {
  writer.fold(fold(3, { entries: [entry({ attempt: 'a' })] }));
  writer.fold(fold(3, { settlements: [aborted('a')] }));
  writer.fold(fold(2, { settlements: [aborted('a')] }));
  expect(rows()).toEqual(['a sending']);
  expect(folded()).toBe(3);
});

test('while the file is not in its place nothing is stored', () => {
  misplaced = true;
  const some = fold(1, { entries: [entry({ attempt: 'a' })] });
  expect(() => {
    writer.fold(some);
  }).toThrow('the file is gone');
  expect([rows(), folded()]).toEqual([[], 0]);
  misplaced = false;
  writer.fold(some);
  expect([rows(), folded()]).toEqual([['a sending'], 1]);
});

test('while it is full nothing of it is stored, and later all', () => {
  const used = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${used}`);
  const large = entry({ attempt: 'b', orcpt: 'x'.repeat(100_000) });
  const some = fold(1, { entries: [entry({ attempt: 'a' }), large] });
  expect(() => {
    writer.fold(some);
  }).toThrow(/full/);
  expect([rows(), folded()]).toEqual([[], 0]);
  database.exec('PRAGMA max_page_count = 100000');
  writer.fold(some);
  expect([rows(), folded()]).toEqual([['a sending', 'b sending'], 1]);
});

test('a change that never can be stored is given up aloud, and nothing else', () => {
  writer.fold(fold(1, { entries: [entry({ attempt: 'old' })] }));
  const faulty = entry({ attempt: 'b', digest: null as never });
  const entries = [entry({ attempt: 'a' }), faulty, entry({ attempt: 'c' })];
  writer.fold(fold(2, { entries, notes: [['n', null as never]], settlements: [aborted('old')] }));
  expect(warnings).toEqual([
    expect.stringContaining('given up'),
    expect.stringContaining('given up'),
  ]);
  expect([rows(), folded()]).toEqual([['old aborted', 'a sending', 'c sending'], 2]);
});
