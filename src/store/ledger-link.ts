/**
 * The main thread's end of the ledger's writing thread: orders go out, all of one turn of the event
 * loop in one message, and each has its answer, or none in time.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../clock.ts';
import { messageOf, OperationalError } from '../errors.ts';
import type { Answer, Order, Report, WriterSettings } from './ledger-orders.ts';

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

interface Waiter {
  readonly due: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: OperationalError) => void;
}

/** Orders without an answer; beyond it the disk hangs, and memory is finite. */
const unansweredMax = 10_000;

export class LedgerLink {
  readonly #worker: Worker;
  readonly #settings: LinkSettings;
  /** By the orders' numbers, and so by when they are due. */
  readonly #waiting = new Map<number, Waiter>();
  #outbox: Order[] = [];
  #orders = 0;
  #unanswered = 0;
  readonly #exited = Promise.withResolvers<undefined>();
  #watch: Timer | undefined;
  #ended: string | undefined;

  private constructor(worker: Worker, settings: LinkSettings) {
    this.#worker = worker;
    this.#settings = settings;
    worker.on('message', (report: Report) => {
      if (report.kind === 'answers') this.#answered(report.answers);
      else if (report.kind === 'warning') settings.warn(report.text);
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

  /** Whether further orders would be refused. */
  get isFull(): boolean {
    return this.#unanswered >= unansweredMax;
  }

  /**
   * @returns the count that the order asks for.
   * @throws {OperationalError} STORE (as a rejection), when it was not carried out, or has not been
   *   in time: it may be carried out all the same then.
   */
  order(order: NewOrder): Promise<number> {
    const refusal = this.#ended ?? (this.isFull ? 'too much waits for the disk' : undefined);
    if (refusal !== undefined) return Promise.reject(storeError(refusal));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const id = ++this.#orders;
    const { clock, answerMsMax } = this.#settings;
    this.#waiting.set(id, { due: clock.monotonic() + answerMsMax, resolve, reject });
    this.#watch ??= clock.after(answerMsMax, this.#overdue);
    this.#post({ ...order, id });
    return promise;
  }

  /** Sends the last order, and waits for the thread's end. @throws as `order`. */
  async close(): Promise<void> {
    try {
      await this.order({ kind: 'close' });
      await this.#exited.promise;
    } finally {
      this.#watch?.cancel();
      // It may hang in a system call: nobody waits for that.
      this.#worker.unref();
    }
  }

  #post(order: Order): void {
    if (this.#outbox.length === 0) setImmediate(this.#send);
    this.#outbox.push(order);
    this.#unanswered++;
  }

  readonly #send = (): void => {
    const orders = this.#outbox;
    this.#outbox = [];
    this.#worker.postMessage(orders);
  };

  #answered(answers: readonly Answer[]): void {
    this.#unanswered -= answers.length;
    for (const { id, problem, count } of answers) {
      const waiter = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (problem === undefined) waiter?.resolve(count ?? 0);
      else waiter?.reject(storeError(problem));
    }
  }

  readonly #overdue = (): void => {
    this.#watch = undefined;
    const { clock, answerMsMax } = this.#settings;
    const now = clock.monotonic();
    for (const [id, { due, reject }] of this.#waiting) {
      if (due > now) {
        this.#watch = clock.after(due - now, this.#overdue);
        return;
      }
      this.#waiting.delete(id);
      reject(storeError(`the disk has not answered for ${answerMsMax} ms`));
    }
  };

  #end(why: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#watch?.cancel();
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
