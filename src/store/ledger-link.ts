/**
 * The main thread's end of the ledger's writing thread: orders go out, and each has its answer, or
 * none in time.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { messageOf, OperationalError } from '../errors.ts';
import type { Answer, Order, Report, WriterSettings } from './ledger-orders.ts';
import { Overdue } from './overdue.ts';

export interface LinkSettings {
  readonly writer: WriterSettings;
  readonly clock: Clock;
  /** How long an answer may take. */
  readonly answerMsMax: number;
  /** Told of what no order is answered with. Must not throw. */
  readonly warn: (what: string) => void;
}

/** An order without its number. */
export type NewOrder = Order extends infer One
  ? One extends Order
    ? Omit<One, 'id'>
    : never
  : never;

/** Orders without an answer; beyond it the disk hangs, and memory is finite. */
const unansweredMax = 20;

export class LedgerLink {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<number>>();
  readonly #overdue: Overdue<number>;
  #orders = 0;
  #unanswered = 0;
  readonly #exited = Promise.withResolvers<undefined>();
  #ended: string | undefined;

  private constructor(worker: Worker, settings: LinkSettings) {
    this.#worker = worker;
    const { clock, answerMsMax, warn } = settings;
    this.#overdue = new Overdue(clock, answerMsMax, (id) => {
      const problem = `the disk has not answered for ${answerMsMax} ms`;
      this.#answered({ id, problem });
    });
    worker.on('message', (report: Report) => {
      if (report.kind === 'warning') warn(report.text);
      if (report.kind !== 'answer') return;
      this.#unanswered--;
      this.#answered(report.answer);
    });
    worker.on('error', (error) => {
      this.#end(`the ledger's thread has failed: ${messageOf(error)}`);
    });
    worker.on('exit', () => {
      this.#end("the ledger's thread has ended");
      this.#exited.resolve(undefined);
    });
  }

  /**
   * Starts the thread, which opens the ledger; that may take as long as reading the whole of it.
   *
   * @throws {OperationalError} STORE.
   */
  static async open(settings: LinkSettings): Promise<LedgerLink> {
    // The same extension as this file: .ts in the sources, .js when built.
    const thread = new URL(`./ledger-thread${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(thread, { workerData: settings.writer });
    const link = new LedgerLink(worker, settings);
    const problem = await link.#opening();
    if (problem !== undefined) throw new OperationalError('STORE', problem);
    return link;
  }

  /**
   * @returns the count that the order asks for.
   * @throws {OperationalError} STORE (as a rejection), when it was not carried out, or has not been
   *   in time: it may be carried out all the same then.
   */
  order(order: NewOrder): Promise<number> {
    const isFull = this.#unanswered >= unansweredMax;
    const refusal = this.#ended ?? (isFull ? 'too much waits for the disk' : undefined);
    if (refusal !== undefined) return Promise.reject(storeError(refusal));
    const waiter = Promise.withResolvers<number>();
    const id = ++this.#orders;
    this.#waiting.set(id, waiter);
    this.#overdue.add(id);
    this.#unanswered++;
    this.#worker.postMessage({ ...order, id });
    return waiter.promise;
  }

  /**
   * Sends the last order, and waits for the thread's end.
   *
   * @param whole whether the database has all of the journal.
   * @throws as `order`.
   */
  async close(whole: boolean): Promise<void> {
    try {
      await this.order({ kind: 'close', whole });
      await this.#exited.promise;
    } finally {
      this.#overdue.stop();
      // It may hang in a system call: nobody waits for that.
      this.#worker.unref();
    }
  }

  #answered({ id, problem, count }: Answer): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#overdue.remove(id);
    if (problem === undefined) waiter?.resolve(count ?? 0);
    else waiter?.reject(storeError(problem));
  }

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#overdue.stop();
    for (const { reject } of this.#waiting.values()) reject(storeError(why));
    this.#waiting.clear();
  }

  /** Resolves when the ledger is open, or with why it is not. */
  async #opening(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#worker.on('message', (report: Report) => {
      if (report.kind === 'open') resolve(undefined);
      else if (report.kind === 'refused') resolve(report.problem);
    });
    const problem = await Promise.race([promise, this.#exited.promise.then(() => this.#ended)]);
    // Until it has let go of its files.
    if (problem !== undefined) await this.#exited.promise;
    return problem;
  }
}

function storeError(problem: string): OperationalError {
  return new OperationalError('STORE', `the ledger cannot be written: ${problem}`);
}
