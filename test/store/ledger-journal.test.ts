import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LedgerChange } from '../../src/store/ledger.ts';
import {
  decodeJournal,
  encodeRecord,
  halfStart,
  journalHeader,
  unfoldedRecords,
} from '../../src/store/ledger-journal.ts';

const id = 'a'.repeat(32);
const note = (value: string): LedgerChange => ({ kind: 'note', name: 'n', value });
const record = (number: number, previous: number, value = `v${number}`) =>
  encodeRecord(number, previous, [JSON.stringify(note(value))]);

function journal(first: readonly Buffer[], second: readonly Buffer[] = []): Buffer {
  const half = Buffer.concat([journalHeader(id), ...first]);
  if (second.length === 0) return half;
  const all = Buffer.alloc(halfStart(1));
  half.copy(all);
  return Buffer.concat([all, ...second]);
}

function numbersIn(bytes: Buffer, folded: number): readonly [numbers: number[], whole: boolean] {
  const found = decodeJournal(bytes);
  if (found.kind !== 'journal') throw new Error('it is no journal');
  const { records, isWhole } = unfoldedRecords(found.records, folded);
  return [records.map(({ number }) => number), isWhole];
}

test('what was written is read, whatever it is', () => {
  const values = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1 });
  fc.assert(
    fc.property(values, (all) => {
      const bytes = journal(all.map((value, at) => record(at + 1, at, value)));
      const found = decodeJournal(bytes);
      expect(found).toMatchObject({ kind: 'journal', id });
      if (found.kind !== 'journal') return;
      // A lone surrogate is none of UTF-8, and is escaped.
      expect(found.records.map(({ changes }) => changes)).toEqual(all.map((one) => [note(one)]));
    }),
  );
});

test('a record that is cut or torn anywhere is not there, and those before it are', () => {
  const before = journal([record(1, 0), record(2, 1)]);
  const last = record(3, 2);
  const used = 32 + JSON.stringify([note('v3')]).length;
  for (let at = 0; at < used; at++) {
    expect(numbersIn(Buffer.concat([before, last.subarray(0, at)]), 0)).toEqual([[1, 2], true]);
    const torn = Buffer.from(last);
    torn[at] = (torn[at] ?? 0) ^ 0x01;
    expect(numbersIn(Buffer.concat([before, torn]), 0)[0]).toEqual([1, 2]);
  }
  expect(numbersIn(Buffer.concat([before, last]), 0)).toEqual([[1, 2, 3], true]);
});

test.each<{ what: string; bytes: () => Buffer; folded: number; is: [number[], boolean] }>([
  { what: 'nothing', bytes: () => journal([]), folded: 0, is: [[], true] },
  {
    what: 'nothing that the database has not',
    bytes: () => journal([record(1, 0), record(2, 1)]),
    folded: 2,
    is: [[], true],
  },
  {
    what: 'records of an earlier use behind the new ones',
    bytes: () => journal([record(7, 6), record(2, 1), record(3, 2)], [record(5, 4), record(6, 5)]),
    folded: 4,
    is: [[5, 6, 7], true],
  },
  {
    what: 'a record that was given up, and one that took its place in the other half',
    bytes: () => journal([record(1, 0), record(2, 1, 'given up')], [record(3, 1)]),
    folded: 0,
    is: [[1, 3], true],
  },
  {
    what: 'a record that was given up, and nothing since',
    bytes: () => journal([record(1, 0), record(2, 1)]),
    folded: 0,
    is: [[1, 2], true],
  },
  {
    what: 'an acknowledged record that is damaged',
    bytes: () => journal([record(1, 0), Buffer.alloc(128), record(3, 2)]),
    folded: 0,
    is: [[3], false],
  },
  {
    what: 'a database that is older than the journal',
    bytes: () => journal([record(8, 7), record(9, 8)]),
    folded: 3,
    is: [[8, 9], false],
  },
])('there is $what', ({ bytes, folded, is }) => {
  expect(numbersIn(bytes(), folded)).toEqual(is);
});

test('what looks like a record in a text is none', () => {
  const inner = record(9, 8).toString('latin1');
  expect(numbersIn(journal([record(1, 0, inner)]), 0)).toEqual([[1], true]);
});

test('what has no header is no journal', () => {
  expect(decodeJournal(Buffer.alloc(9000))).toEqual({ kind: 'not-a-journal' });
  expect(decodeJournal(journalHeader(id).subarray(0, 100))).toEqual({ kind: 'not-a-journal' });
});
