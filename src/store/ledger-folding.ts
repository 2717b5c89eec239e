/**
 * Moves what is durable in the journal into the database: every half second all of it at once, so
 * that most messages cost the database one row and no fsync of their own.
 */
import type { Clock, Timer } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { LedgerChange } from './ledger.ts';
import type { LedgerCommits } from './ledger-commits.ts';
import type { LedgerLink } from './ledger-link.ts';
import { Unfolded } from './ledger-unfolded.ts';

const intervalMs = 500;

export class LedgerFolding {
  readonly #link: LedgerLink;
  readonly #clock: Clock;
  readonly #warn: (what: string) => void;
  #commits: LedgerCommits | undefined;
  /** On its way into the database; it is tried again until it is there. */
  #older: Unfolded | undefined;
  #newer = new Unfolded();
  #running: Promise<void> | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  #failed = false;

  /** @param left what the process before this one left in the journal. */
  constructor(link: LedgerLink, clock: Clock, warn: (what: string) => void, left: Unfolded) {
    this.#link = link;
    this.#clock = clock;
    this.#warn = warn;
    this.#older = left;
  }

  /** What may not be in the database yet, the older first. */
  get unfolded(): readonly Unfolded[] {
    return this.#older ? [this.#older, this.#newer] : [this.#newer];
  }

  /** @param commits who writes the halves of the journal that are emptied here. */
  begin(commits: LedgerCommits): void {
    this.#commits = commits;
  }

  take(changes: readonly LedgerChange[], number: number): void {
    this.#newer.take(changes, number);
    this.#later();
  }

  /**
   * Resolves when the database has all that was durable at the call, or the trial has failed.
   *
   * @throws {OperationalError} STORE
   */
  async fold(): Promise<void> {
    await this.#running?.catch(() => undefined);
    this.#running ??= this.#fold().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** As `fold`; who waits is told by the commits. */
  readonly foldNow = (): void => {
    this.fold().catch(() => undefined);
  };

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #fold(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    try {
      // What has failed before, or was left by another process, goes first.
      if (this.#older) await this.#foldOlder(this.#older);
      await this.#turn();
      if (this.#older) await this.#foldOlder(this.#older);
      this.#failed = false;
    } catch (error) {
      const problem = messageOf(error);
      this.#commits?.setProblem(problem);
      if (!this.#failed) this.#warn(`the database takes nothing, so nothing is begun: ${problem}`);
      this.#failed = true;
      this.#later();
      throw error;
    }
  }

  async #foldOlder(older: Unfolded): Promise<void> {
    await this.#link.order({ kind: 'fold', fold: older.fold() });
    this.#older = undefined;
    this.#commits?.setProblem(undefined);
  }

  /** What comes from now on goes into the other half, which is free. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const turn = (): void => {
        this.#older = this.#newer;
        this.#newer = new Unfolded();
        this.#commits?.useOtherHalf();
        resolve();
      };
      if (this.#commits) this.#commits.betweenWrites(turn);
      else turn();
    });
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer ??= this.#clock.after(intervalMs, () => {
      this.#timer = undefined;
      this.foldNow();
    });
  }
}
