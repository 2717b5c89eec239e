/**
 * The thread in which the ledger is written, so that a slow or hanging disk never holds up the
 * event loop. What has come while it was in a COMMIT shares the next: one fsync a batch.
 */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert } from '../assert.ts';
import { messageOf, OperationalError } from '../errors.ts';
import { nodeFiles } from './files.ts';
import { checkLedger } from './ledger-check.ts';
import { takeLock, type LedgerLock } from './ledger-lock.ts';
import type { Answer, Order, Report, WriteOrder, WriterSettings } from './ledger-orders.ts';
import { beside, findOrCreate, mark, markOpen, refuse, unmarkOpen } from './ledger-place.ts';
import { openScans, ScanLog } from './ledger-scans.ts';
import { numberPragma } from './ledger-schema.ts';
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
    prepare(database);
    await markOpen(nodeFiles, file);
    const scans = new ScanLog(await openScans(nodeFiles, beside.scans(file), warn));
    return new LedgerWriter(database, scans, warn, placeCheck([file, beside.wal(file)]));
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * What is written to a file that somebody has removed or replaced is gone with this process, and no
 * call but stat(2) tells.
 */
function placeCheck(paths: readonly string[]): () => void {
  const opened = paths.map((path) => statSync(path));
  return () => {
    paths.forEach((path, index) => {
      const [now, then] = [statSync(path, { throwIfNoEntry: false }), opened[index]];
      if (now?.ino === then?.ino && now?.dev === then?.dev) return;
      const problem = `${path} has been removed or replaced while it was in use`;
      throw new OperationalError('STORE', problem);
    });
  };
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
  port.on('message', (first: readonly Order[]) => {
    const orders = [...first];
    for (let more = receive(); more; more = receive()) orders.push(...more);
    for (let from = 0; from < orders.length;) from += carryOut(orders, from);
  });

  /** Carries out the next orders; returns how many. */
  function carryOut(orders: readonly Order[], from: number): number {
    const writes = writesFrom(orders, from);
    if (writes.length > 0) {
      writer.write(writes, (answers) => {
        report({ kind: 'answers', answers });
      });
      return writes.length;
    }
    const order = orders[from];
    assert(order && order.kind !== 'write', 'an order that is no write');
    if (order.kind === 'close') void close(order.id);
    else report({ kind: 'answers', answers: [tryOne(order)] });
    return 1;
  }

  function tryOne(order: Exclude<Order, { kind: 'write' | 'close' }>): Answer {
    const { id } = order;
    try {
      if (order.kind === 'compact') return { id, count: writer.compact() };
      return { id, count: writer.expire(order.settled, order.unsettled) };
    } catch (error) {
      return { id, problem: messageOf(error) };
    }
  }

  /** The mark goes first: a crash in between must not look like a lost -wal file. */
  async function close(id: number): Promise<void> {
    try {
      await unmarkOpen(nodeFiles, settings.file);
      writer.close();
      lock.release();
      report({ kind: 'answers', answers: [{ id }] });
    } catch (error) {
      report({ kind: 'answers', answers: [{ id, problem: messageOf(error) }] });
    }
    port.close();
  }
}

function receive(): readonly Order[] | undefined {
  return receiveMessageOnPort(port)?.message as readonly Order[] | undefined;
}

function writesFrom(orders: readonly Order[], from: number): WriteOrder[] {
  const writes: WriteOrder[] = [];
  for (let at = from; orders[at]?.kind === 'write'; at++) writes.push(orders[at] as WriteOrder);
  return writes;
}

await start();
