/**
 * What is to become durable, gathered while the disk or the event loop is at work and written into
 * the journal at once: one write and one fsync for all that came meanwhile.
 */
import type { Clock, Timer } from '../clock.ts';
import { messageOf, OperationalError } from '../errors.ts';
import type { LedgerChange } from './ledger.ts';
import { encodeRecord, halfStart, recordBytesMax } from './ledger-journal.ts';
import type { PlacedFile } from './placed-file.ts';
import { Overdue } from './overdue.ts';

export interface CommitsSettings {
  readonly clock: Clock;
  /** How long a commit may take; then it is given up, and may become durable all the same. */
  readonly commitMsMax: number;
  /** How many events the event loop has handled by now: as long as that grows, more may come. */
  readonly eventsHandled: () => number;
  readonly journal: PlacedFile;
  /** The number of the last record that was acknowledged. */
  readonly last: number;
  /** @throws when the ledger's files are no longer there: nothing is written then. */
  readonly checkPlace: () => void;
  /** These are durable now. Must not throw. */
  readonly onDurable: (changes: readonly LedgerChange[], number: number) => void;
  /** The half in use has no room for what comes next: the other is waited for. */
  readonly onFull: () => void;
  readonly warn: (what: string) => void;
}

interface Item {
  readonly changes: readonly LedgerChange[];
  /** Its changes as JSON. */
  readonly text: string;
  /** Absent for what was deferred. */
  readonly waiter?: PromiseWithResolvers<undefined>;
}

/** How long a write waits for an event loop that is never idle, at the most. */
const holdMsMax = 2;
/** How long a deferred change waits for a commit to travel with. */
const deferMs = 50;
/** Commits that wait for a hanging disk; further ones are refused. */
const waitingMax = 10_000;
/** Deferred changes that wait for one; beyond it the oldest are given up. */
const deferredMax = 10_000;

export class LedgerCommits {
  readonly #settings: CommitsSettings;
  readonly #overdue: Overdue<PromiseWithResolvers<undefined>>;
  #queue: Item[] = [];
  #deferred = 0;
  /** Until the database has what is in the journal no half is free. */
  #state: 'idle' | 'scheduled' | 'writing' | 'full' | 'closed' = 'full';
  #timer: Timer | undefined;
  /** The other one is used first. */
  #half: 0 | 1 = 1;
  /** Bytes of the half that are used. */
  #used = 0;
  #number: number;
  #last: number;
  #betweenWrites: (() => void)[] = [];
  /** Why the database takes nothing; then nothing new is begun. */
  #problem: string | undefined;

  constructor(settings: CommitsSettings) {
    this.#settings = settings;
    this.#number = this.#last = settings.last;
    this.#overdue = new Overdue(settings.clock, settings.commitMsMax, (waiter) => {
      waiter.reject(storeError(`the disk has not answered for ${settings.commitMsMax} ms`));
    });
  }

  /** As Ledger.commit. */
  commit(changes: readonly LedgerChange[]): Promise<void> {
    const text = textOf(changes);
    const refusal = this.#refusal(changes, text);
    if (refusal !== undefined) return Promise.reject(storeError(refusal));
    const waiter = Promise.withResolvers<undefined>();
    this.#overdue.add(waiter);
    this.#queue.push({ changes, text, waiter });
    this.#schedule();
    return waiter.promise;
  }

  /** As Ledger.defer. */
  defer(changes: readonly LedgerChange[]): void {
    this.#queue.push({ changes, text: textOf(changes) });
    this.#boundDeferred();
    this.#timer ??= this.#settings.clock.after(deferMs, () => {
      this.#timer = undefined;
      this.#schedule();
    });
  }

  /** Calls `act` as soon as no write is under way, perhaps at once. */
  betweenWrites(act: () => void): void {
    if (this.#state === 'writing') this.#betweenWrites.push(act);
    else act();
  }

  /** The other half is free: what comes next goes there. Between writes. */
  useOtherHalf(): void {
    this.#half = this.#half === 0 ? 1 : 0;
    this.#used = 0;
    if (this.#state !== 'full') return;
    this.#state = 'idle';
    this.#schedule();
  }

  /** @param problem why the database takes nothing; undefined when it does again. */
  setProblem(problem: string | undefined): void {
    this.#problem = problem;
    if (problem === undefined || this.#state !== 'full') return;
    const waiting = this.#queue.filter(({ waiter }) => waiter !== undefined);
    this.#queue = this.#queue.filter(({ waiter }) => waiter === undefined);
    this.#fail(waiting, problem);
  }

  /** When all that was committed or deferred is durable, or has failed. Nothing is taken then. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    try {
      if (this.#state !== 'full' || this.#queue.length > 0) await this.commit([]);
      const lost = this.#queue.length;
      if (lost > 0) throw storeError(`${lost} deferred changes are lost`);
    } finally {
      this.#state = 'closed';
      this.#overdue.stop();
    }
  }

  #refusal(changes: readonly LedgerChange[], text: string): string | undefined {
    if (this.#state === 'closed') return 'it has been closed';
    if (this.#queue.length - this.#deferred >= waitingMax) return 'too much waits for the disk';
    if (Buffer.byteLength(text) >= recordBytesMax) return 'it is too large for a record';
    const isNew = this.#state === 'full' || changes.some(({ kind }) => kind === 'begin');
    return isNew ? this.#problem : undefined;
  }

  #boundDeferred(): void {
    if (++this.#deferred <= deferredMax) return;
    this.#queue.splice(
      this.#queue.findIndex(({ waiter }) => !waiter),
      1,
    );
    this.#deferred--;
    this.#settings.warn('deferred changes were given up: too many wait for the disk');
  }

  /**
   * A write costs the event loop more than the commits in it, so it waits until there is nothing else
   * to do, and takes along what comes until then. A timer instead would have all sessions wait
   * while the processor has nothing to do (bench/README.md, "What handing over once costs").
   */
  #schedule(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    const { clock, eventsHandled } = this.#settings;
    this.#writeWhenIdle(clock.monotonic() + holdMsMax, eventsHandled());
  }

  #writeWhenIdle(until: number, handled: number): void {
    setImmediate(() => {
      if (this.#state !== 'scheduled') return;
      const now = this.#settings.eventsHandled();
      if (now === handled || this.#settings.clock.monotonic() >= until) this.#write();
      else this.#writeWhenIdle(until, now);
    });
  }

  #write(): void {
    const items = this.#batch();
    if (items.length === 0 && this.#queue.length > 0) {
      this.#state = 'full';
      this.#settings.onFull();
      return;
    }
    const texts = items.map(({ text }) => text).filter((text) => text !== '');
    this.#state = 'writing';
    if (texts.length === 0) {
      this.#finish(items, 0, undefined);
      return;
    }
    const record = encodeRecord(++this.#number, this.#last, texts);
    try {
      this.#settings.checkPlace();
    } catch (error) {
      this.#finish(items, 0, messageOf(error));
      return;
    }
    this.#settings.journal.write(record, halfStart(this.#half) + this.#used, (problem) => {
      this.#finish(items, record.length, problem && messageOf(problem));
    });
  }

  /** What fits: all that waits, but for a flood. */
  #batch(): Item[] {
    this.#timer?.cancel();
    this.#timer = undefined;
    const room = recordBytesMax - this.#used;
    let bytes = 0;
    const over = this.#queue.findIndex(({ text }) => (bytes += Buffer.byteLength(text) + 1) > room);
    return this.#queue.splice(0, over === -1 ? this.#queue.length : over);
  }

  #finish(items: readonly Item[], bytes: number, problem: string | undefined): void {
    this.#deferred -= items.filter(({ waiter }) => !waiter).length;
    if (problem === undefined) this.#succeed(items, bytes);
    else this.#fail(items, problem);
    if (this.#state === 'writing') this.#state = 'idle';
    for (const act of this.#betweenWrites.splice(0)) act();
    if (this.#queue.some(({ waiter }) => waiter)) this.#schedule();
  }

  #succeed(items: readonly Item[], bytes: number): void {
    if (bytes > 0) {
      this.#used += bytes;
      this.#last = this.#number;
      this.#settings.onDurable(
        items.flatMap(({ changes }) => changes),
        this.#number,
      );
    }
    for (const { waiter } of items) {
      if (!waiter) continue;
      this.#overdue.remove(waiter);
      waiter.resolve(undefined);
    }
  }

  /** What was deferred is kept, and travels with the next commit. */
  #fail(items: readonly Item[], problem: string): void {
    const deferred = items.filter(({ waiter }) => !waiter);
    this.#queue.unshift(...deferred);
    this.#deferred += deferred.length;
    if (deferred.length === items.length && items.length > 0) {
      this.#settings.warn(`deferred changes are not stored yet: ${problem}`);
    }
    for (const { waiter } of items) {
      if (!waiter) continue;
      this.#overdue.remove(waiter);
      waiter.reject(storeError(problem));
    }
  }
}

function textOf(changes: readonly LedgerChange[]): string {
  return changes.map((change) => JSON.stringify(change)).join(',');
}

function storeError(problem: string): OperationalError {
  return new OperationalError('STORE', `the ledger cannot be written: ${problem}`);
}
