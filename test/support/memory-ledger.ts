/**
 * A ledger without a disk. Changes become durable only when the test lets the disk finish, commits
 * can fail, and a crash leaves what was durable; SqliteLedger gives the same answers, which
 * test/store/ledger-twins.test.ts holds it to.
 */
import { OperationalError } from '../../src/errors.ts';
import type { Ledger, LedgerChange, LedgerEntry } from '../../src/store/ledger.ts';

export interface LedgerFault {
  /** Which commit fails when the disk gets to it, counted from 1. */
  readonly at: number;
  /** 'unknown': the commit rejects, and is durable all the same. */
  readonly kind: 'refused' | 'unknown';
  /** All later commits fail too. */
  readonly persistent?: boolean;
}

interface Durable {
  entries: LedgerEntry[];
  readonly scans: Map<string, number>;
  readonly notes: Map<string, string>;
}

interface Queued {
  readonly deferred: readonly LedgerChange[];
  readonly changes: readonly LedgerChange[];
  readonly resolve: () => void;
  readonly reject: (error: OperationalError) => void;
}

export class MemoryLedger implements Ledger {
  readonly #durable: Durable;
  readonly #schedule: (finish: () => void) => void;
  #queue: Queued[] = [];
  #deferred: LedgerChange[] = [];
  /** Deferred changes of commits that have failed. */
  #carried: LedgerChange[] = [];
  #scheduled = false;
  #crashed = false;
  #fault: LedgerFault | undefined;
  /** Commits that the disk has got to, since `failAt`. */
  commits = 0;

  /**
   * @param schedule called when there is something to become durable; what it is given does that,
   *   at once for all that has come by then, as `flush`. Without it, only `flush` does.
   */
  constructor(
    schedule: (finish: () => void) => void = () => undefined,
    durable: Durable = { entries: [], scans: new Map(), notes: new Map() },
  ) {
    this.#schedule = schedule;
    this.#durable = durable;
  }

  /** From now on commits are counted anew, and fail as `fault` says. */
  failAt(fault: LedgerFault | undefined): void {
    this.#fault = fault;
    this.commits = 0;
  }

  /** Commits that wait for the disk. */
  get waiting(): number {
    return this.#queue.length;
  }

  find(queueId: string): readonly LedgerEntry[] {
    return this.#sorted((entry) => entry.queueId === queueId);
  }

  unsettled(): readonly LedgerEntry[] {
    return this.#sorted(({ state }) => ['sending', 'prepared', 'in-doubt'].includes(state));
  }

  brokenScans(digest: string): number {
    return this.#durable.scans.get(digest) ?? 0;
  }

  scanBegan(digest: string): void {
    this.#scan(digest, 1);
  }

  scanEnded(digest: string): void {
    this.#scan(digest, -1);
  }

  note(name: string): string | undefined {
    return this.#durable.notes.get(name);
  }

  commit(changes: readonly LedgerChange[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    // Nothing is ever heard from a process that has died.
    if (this.#crashed) return promise;
    const deferred = this.#deferred;
    this.#deferred = [];
    const settle = () => {
      resolve(undefined);
    };
    this.#queue.push({ deferred, changes, resolve: settle, reject });
    this.#disk();
    return promise;
  }

  defer(changes: readonly LedgerChange[]): void {
    if (this.#crashed) return;
    this.#deferred.push(...changes);
    this.#disk();
  }

  /** The disk finishes: everything so far becomes durable, or fails, in the order of the calls. */
  flush(): void {
    this.#scheduled = false;
    if (this.#crashed) return;
    const queue = this.#queue;
    this.#queue = [];
    for (const commit of queue) this.#finish(commit);
    if (this.#deferred.length > 0) {
      // It is a commit of nobody's, which can fail as any other.
      this.commit([]).catch(() => undefined);
      this.flush();
    }
  }

  /**
   * The process dies. Nobody hears of what was not durable, and this object is of no use any more.
   *
   * @param unheard so many of the commits that wait became durable before the crash.
   * @returns the ledger as the next process finds it.
   */
  crash(unheard = 0, schedule = this.#schedule): MemoryLedger {
    const durable: Durable = {
      entries: [...this.#durable.entries],
      scans: new Map(this.#durable.scans),
      notes: new Map(this.#durable.notes),
    };
    const next = new MemoryLedger(schedule, durable);
    const made = this.#queue.slice(0, unheard).flatMap((one) => [...one.deferred, ...one.changes]);
    if (unheard > 0) next.#apply([...this.#carried, ...made]);
    this.#crashed = true;
    return next;
  }

  #disk(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.flush();
    });
  }

  #finish({ deferred, changes, resolve, reject }: Queued): void {
    this.commits++;
    const fault = this.#faultNow();
    this.#carried.push(...deferred);
    if (fault?.kind !== 'refused') {
      this.#apply([...this.#carried, ...changes]);
      this.#carried = [];
    }
    if (fault) reject(new OperationalError('STORE', `the ledger: ${fault.kind}`));
    else resolve();
  }

  #faultNow(): LedgerFault | undefined {
    const { at = Infinity, persistent = false } = this.#fault ?? {};
    return this.commits === at || (persistent && this.commits > at) ? this.#fault : undefined;
  }

  #apply(changes: readonly LedgerChange[]): void {
    for (const change of changes) {
      if (change.kind === 'begin')
        change.entries.forEach((entry) => {
          this.#begin(entry);
        });
      else if (change.kind === 'settle') this.#settle(change);
      else this.#durable.notes.set(change.name, change.value);
    }
  }

  #begin(entry: LedgerEntry): void {
    const same = ({ attempt, recipient, orcpt }: LedgerEntry) =>
      attempt === entry.attempt && recipient === entry.recipient && orcpt === entry.orcpt;
    if (!this.#durable.entries.some(same)) this.#durable.entries.push(entry);
  }

  #settle(change: Extract<LedgerChange, { kind: 'settle' }>): void {
    const { attempt, recipients, from, state, nextQueueId, reply, changed } = change;
    const meant = (entry: LedgerEntry) =>
      entry.attempt === attempt &&
      from.includes(entry.state) &&
      (recipients?.some((o) => o.recipient === entry.recipient && o.orcpt === entry.orcpt) ?? true);
    const settled = { state, changed, ...(nextQueueId !== undefined && { nextQueueId }) };
    this.#durable.entries = this.#durable.entries.map((entry) =>
      meant(entry) ? { ...entry, ...settled, ...(reply && { reply }) } : entry,
    );
  }

  /** A process that has died changes nothing. */
  #scan(digest: string, by: number): void {
    if (this.#crashed) return;
    this.#durable.scans.set(digest, Math.max(0, this.brokenScans(digest) + by));
  }

  #sorted(test: (entry: LedgerEntry) => boolean): readonly LedgerEntry[] {
    return this.#durable.entries.filter(test).sort((a, b) => a.began - b.began);
  }
}
