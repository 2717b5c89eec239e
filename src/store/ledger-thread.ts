/**
 * The thread in which the ledger's database is written, so that a slow or hanging disk never holds
 * up the event loop. It takes over what is durable in the journal already, some hundred messages at
 * once.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../assert.ts';
import { messageOf } from '../errors.ts';
import { nodeFiles } from './files.ts';
import { checkLedger } from './ledger-check.ts';
import { takeLock, type LedgerLock } from './ledger-lock.ts';
import type { Answer, Order, Report, WriterSettings } from './ledger-orders.ts';
import {
  beside,
  createJournal,
  findOrCreate,
  mark,
  markOpen,
  placeCheck,
  refuse,
  unmarkOpen,
} from './ledger-place.ts';
import { readLeft } from './ledger-left.ts';
import { foldedIn, numberPragma } from './ledger-schema.ts';
import { LedgerWriter } from './ledger-writer.ts';

assert(parentPort, 'this file is started as a thread');
const port = parentPort;
const settings = workerData as WriterSettings;

function report(what: Report): void {
  port.postMessage(what);
}

function warn(text: string): void {
  report({ kind: 'warning', text });
}

async function start(): Promise<void> {
  let lock: LedgerLock | undefined;
  try {
    lock = await takeLock(nodeFiles, beside.lock(settings.file), settings.takeoverMs);
    serve(await openWriter(), lock);
    report({ kind: 'open' });
  } catch (error) {
    lock?.release();
    report({ kind: 'refused', problem: messageOf(error) });
    port.close();
  }
}

async function openWriter(): Promise<LedgerWriter> {
  const { file } = settings;
  const id = await findOrCreate(nodeFiles, file);
  const database = new DatabaseSync(file, { timeout: 1000 });
  try {
    const found = checkLedger(file, database);
    if (id === undefined) await mark(nodeFiles, file, found);
    else if (id !== found) refuse(file, `${file} is not the ledger that its marker tells of`);
    await createJournal(nodeFiles, file, found);
    // Before anything is changed.
    await readLeft(nodeFiles, file, { id: found, folded: foldedIn(database) });
    prepare(database);
    await markOpen(nodeFiles, file);
    return new LedgerWriter(database, warn, placeCheck(file));
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Tries to write, which also brings the -wal file about. */
function prepare(database: DatabaseSync): void {
  const { file, bytesMax } = settings;
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec(`PRAGMA journal_size_limit = ${16 * 1024 * 1024}`);
    const pages = Math.floor(bytesMax / numberPragma(database, 'page_size'));
    database.exec(`PRAGMA max_page_count = ${pages}`);
    database.exec('UPDATE identity SET opened = opened + 1');
  } catch (error) {
    refuse(file, `${file} cannot be written (${messageOf(error)})`, error);
  }
}

function serve(writer: LedgerWriter, lock: LedgerLock): void {
  port.on('message', (order: Order) => {
    if (order.kind === 'close') void close(order);
    else report({ kind: 'answer', answer: tryOne(order) });
  });

  function tryOne(order: Exclude<Order, { kind: 'close' }>): Answer {
    const { id } = order;
    try {
      if (order.kind === 'compact') return { id, count: writer.compact() };
      if (order.kind === 'expire') {
        return { id, count: writer.expire(order.settled, order.unsettled) };
      }
      writer.fold(order.fold);
      return { id };
    } catch (error) {
      return { id, problem: messageOf(error) };
    }
  }

  /** The mark goes first: a crash in between must not look like a lost -wal file. */
  async function close({ id, whole }: Extract<Order, { kind: 'close' }>): Promise<void> {
    try {
      await unmarkOpen(nodeFiles, settings.file, whole);
      writer.close();
      lock.release();
      report({ kind: 'answer', answer: { id } });
    } catch (error) {
      report({ kind: 'answer', answer: { id, problem: messageOf(error) } });
    }
    port.close();
  }
}

await start();
