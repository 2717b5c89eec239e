/** What a daemon that has ended made durable in the journal and did not bring into the database. */
import type { Files } from './files.ts';
import { decodeJournal, unfoldedRecords } from './ledger-journal.ts';
import { beside, refuse } from './ledger-place.ts';
import { Unfolded } from './ledger-unfolded.ts';
import { readWhole } from './stored-file.ts';

export interface LeftBehind {
  readonly unfolded: Unfolded;
  /** The number of the last record that was acknowledged. */
  readonly last: number;
}

/**
 * @param id of the ledger.
 * @param folded the number of the last record that the database has.
 * @throws {OperationalError} STORE, with what an operator can do.
 */
export async function readLeft(
  files: Files,
  file: string,
  { id, folded }: { readonly id: string; readonly folded: number },
): Promise<LeftBehind> {
  const path = beside.journal(file);
  const journal = decodeJournal(await readWhole(files, path));
  if (journal.kind !== 'journal') refuse(file, `${path} is corrupt`);
  if (journal.id !== id) refuse(file, `${path} is the journal of another ledger`);
  const { records, isWhole } = unfoldedRecords(journal.records, folded);
  if (!isWhole) refuse(file, `${path} is corrupt: a part of it is missing`);
  const unfolded = new Unfolded();
  for (const { changes, number } of records) unfolded.take(changes, number);
  return { unfolded, last: Math.max(folded, unfolded.through) };
}
