/**
 * The ledger's journal after a crash: the input writes records and damages what was written. What
 * is read was written; all of it is there if nothing of it was touched; and what is gone is told.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  decodeJournal,
  encodeRecord,
  journalHeader,
  unfoldedRecords,
} from '../../../src/store/ledger-journal.ts';
import type { LedgerChange } from '../../../src/store/ledger.ts';
import { Unfolded } from '../../../src/store/ledger-unfolded.ts';
import { entry } from '../../support/ledgers.ts';
import { holds, type Target, usualBounds } from '../target.ts';

const id = 'a'.repeat(32);
const recordsMax = 24;
const headerBytes = journalHeader(id).length;

interface Written {
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly LedgerChange[];
}

/** By the bytes of the input: whether a write fails (and leaves a gap), and what is in it. */
function write(plan: Buffer): { bytes: Buffer; written: Written[] } {
  const pieces = [journalHeader(id)];
  const written: Written[] = [];
  let at = pieces[0]?.length ?? 0;
  let previous = 0;
  plan.subarray(0, recordsMax).forEach((byte, index) => {
    const number = index + 1;
    const changes = changesFor(byte, index);
    const record = encodeRecord(
      number,
      previous,
      changes.map((one) => JSON.stringify(one)),
    );
    pieces.push(record);
    written.push({ number, from: at, to: at + record.length, changes });
    at += record.length;
    // A write whose caller was told that it failed: the next one does not name it.
    if ((byte & 0x80) === 0) previous = number;
  });
  return { bytes: Buffer.concat(pieces), written };
}

function changesFor(byte: number, index: number): LedgerChange[] {
  const attempt = `a${byte & 3}`;
  const begin: LedgerChange = {
    kind: 'begin',
    entries: [entry({ attempt, recipient: `r${index}@x` })],
  };
  const settle: LedgerChange = {
    kind: 'settle',
    attempt,
    from: ['sending'],
    state: 'delivered',
    changed: index,
  };
  const note: LedgerChange = { kind: 'note', name: 'n', value: 'v'.repeat(byte & 0x3f) };
  return [begin, settle, note].filter((_, bit) => (byte & (4 << bit)) !== 0);
}

/** Pairs of a place, in 256ths, and a byte that is written there; the last one may cut the end off. */
function damage(bytes: Buffer, plan: Buffer): { bytes: Buffer; touched: number[] } {
  const damaged = Buffer.from(bytes);
  const touched: number[] = [];
  // The header is written once, and never again.
  const from = headerBytes;
  for (let at = 0; at + 2 <= plan.length; at += 2) {
    const place = from + Math.floor(((bytes.length - from) * (plan[at] ?? 0)) / 256);
    if (place >= damaged.length || damaged[place] === plan[at + 1]) continue;
    damaged[place] = plan[at + 1] ?? 0;
    touched.push(place);
  }
  return { bytes: damaged, touched };
}

function check(input: Buffer): void {
  const [split = 0] = input;
  const plan = input.subarray(1);
  const { bytes, written } = write(plan.subarray(0, split % (recordsMax + 1)));
  const { bytes: damaged, touched } = damage(bytes, plan.subarray(split % (recordsMax + 1)));
  const journal = decodeJournal(damaged);
  holds(journal.kind === 'journal' && journal.id === id, 'it is the journal of this ledger');
  const isHurt = ({ from, to }: Written): boolean => touched.some((at) => at >= from && at < to);
  for (const record of journal.records) {
    const original = written.find(({ number }) => number === record.number);
    assert.deepEqual(record.changes, original?.changes, 'what is read was written');
  }
  const numbers = new Set(journal.records.map(({ number }) => number));
  for (const one of written) {
    if (!isHurt(one))
      holds(numbers.has(one.number), `record ${one.number}, which nobody touched, is there`);
  }
  chain(journal.records, written, numbers);
  // Any bytes are a journal or none.
  decodeJournal(input);
  decodeJournal(Buffer.concat([bytes.subarray(0, headerBytes), input]));
}

function chain(
  records: Parameters<typeof unfoldedRecords>[0],
  written: readonly Written[],
  numbers: ReadonlySet<number>,
): void {
  const { records: unread, isWhole } = unfoldedRecords(records, 0);
  holds(
    unread.every(({ number }, at) => number > (unread[at - 1]?.number ?? 0)),
    'they are in order',
  );
  const last = unread.at(-1)?.number ?? 0;
  const named = new Map(records.map(({ number, previous }) => [number, previous]));
  let next = last;
  while (next > 0 && numbers.has(next)) next = named.get(next) ?? 0;
  assert.equal(isWhole, next === 0, 'a gap in the chain is told');
  const unfolded = new Unfolded();
  for (const { changes, number } of unread) unfolded.take(changes, number);
  holds(unfolded.through <= written.length, 'nothing is made up');
}

export const journal: Target = {
  ...usualBounds,
  name: 'journal',
  inputBytesMax: 512,
  bufferBytesMax: (inputBytes) => 4 * inputBytes + 256 * 1024,
  stepsMax: () => 5_000_000,
  tokens: ['\0', '\xff', 'CgJ\xff', '[', ']', '\x80', '\x04\x08\x10', 'clamgate ledger journal 2 '],
  valid: fc
    .tuple(
      fc.nat(recordsMax),
      fc.uint8Array({ maxLength: recordsMax }),
      fc.uint8Array({ maxLength: 8 }),
    )
    .map(([split, plan, hurt]) => Buffer.concat([Buffer.from([split]), plan, hurt])),
  check,
};
