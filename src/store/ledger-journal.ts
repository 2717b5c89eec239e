/**
 * The journal beside the ledger's database: what is durable and not yet in the database. Pure: what
 * its bytes are, and what can be told from them after a crash.
 *
 * A header names the ledger. Behind it lie two halves, written in turn from their starts, and each
 * is used again when the database has all of it: records of an earlier use are left behind the new
 * ones, and are known by their numbers. A record is there whole or not at all, by its checksum.
 */
import { crc32 } from 'node:zlib';
import type { LedgerChange } from './ledger.ts';

/** A half; it holds the largest message's recipients (4 KiB a command line) and seconds of load. */
const halfBytes = 8 * 1024 * 1024;
const headerBytes = 4096;
/** Where a record may begin. */
const alignment = 64;
const recordHeadBytes = 32;
/** Ends with what no UTF-8 has: nothing in a record looks like the beginning of one. */
const magic = 0x43_67_4a_ff;

/** The largest `changes` of a record, in bytes. */
export const recordBytesMax = halfBytes - 1024;

export interface JournalRecord {
  /** From 1, ascending over the life of a ledger; a write that failed leaves a gap. */
  readonly number: number;
  /** The record before it that was acknowledged; 0 for the first. */
  readonly previous: number;
  readonly changes: readonly LedgerChange[];
}

export type Journal =
  | {
      readonly kind: 'journal';
      /** Of the ledger that it belongs to. */
      readonly id: string;
      /** All that are whole, in ascending order. */
      readonly records: readonly JournalRecord[];
    }
  | { readonly kind: 'not-a-journal' };

const headerForm = /^clamgate ledger journal 2 ([0-9a-f]{32})\n/;

export function journalHeader(id: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(`clamgate ledger journal 2 ${id}\n`, 'latin1');
  return header;
}

/** Where a half begins in the file. */
export function halfStart(half: 0 | 1): number {
  return headerBytes + half * halfBytes;
}

/** @param changes each as JSON. */
export function encodeRecord(number: number, previous: number, changes: readonly string[]): Buffer {
  const text = `[${changes.join(',')}]`;
  const length = Buffer.byteLength(text);
  const used = recordHeadBytes + length;
  const record = Buffer.alloc(Math.ceil(used / alignment) * alignment);
  record.writeUInt32BE(magic, 0);
  record.writeUInt32BE(length, 8);
  record.writeDoubleBE(number, 16);
  record.writeDoubleBE(previous, 24);
  record.write(text, recordHeadBytes);
  record.writeUInt32BE(crc32(record.subarray(8, used)), 4);
  return record;
}

export function decodeJournal(bytes: Buffer): Journal {
  const id = headerForm.exec(bytes.toString('latin1', 0, 100))?.[1];
  if (id === undefined || bytes.length < headerBytes) return { kind: 'not-a-journal' };
  const records: JournalRecord[] = [];
  for (let at = headerBytes; at + recordHeadBytes <= bytes.length;) {
    const found = recordAt(bytes, at);
    if (found) records.push(found.record);
    at = found?.end ?? at + alignment;
  }
  return { kind: 'journal', id, records: records.sort((a, b) => a.number - b.number) };
}

function recordAt(
  bytes: Buffer,
  at: number,
): { readonly record: JournalRecord; readonly end: number } | undefined {
  if (bytes.readUInt32BE(at) !== magic) return undefined;
  const end = at + recordHeadBytes + bytes.readUInt32BE(at + 8);
  if (end > bytes.length || crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) {
    return undefined;
  }
  const changes = JSON.parse(bytes.toString('utf8', at + recordHeadBytes, end)) as LedgerChange[];
  const record = {
    number: bytes.readDoubleBE(at + 16),
    previous: bytes.readDoubleBE(at + 24),
    changes,
  };
  return { record, end: at + Math.ceil((end - at) / alignment) * alignment };
}

export interface Unread {
  /** What the database does not have yet, in order. */
  readonly records: readonly JournalRecord[];
  /** False when an acknowledged record before them is gone. */
  readonly isWhole: boolean;
}

/**
 * The chain of acknowledged records that ends with the last one. What is not in it was written and
 * then given up, and its caller was told so.
 *
 * @param folded the number of the last record that the database has.
 */
export function unfoldedRecords(records: readonly JournalRecord[], folded: number): Unread {
  const chain: JournalRecord[] = [];
  let next = records.at(-1)?.number ?? 0;
  for (const record of records.toReversed()) {
    if (next <= folded) break;
    if (record.number !== next) continue;
    chain.push(record);
    next = record.previous;
  }
  return { records: chain.reverse(), isWhole: next <= folded };
}
