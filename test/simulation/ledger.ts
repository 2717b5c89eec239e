/**
 * The ledger's disk: time until a commit is durable, and again until the daemon knows, so that it
 * can die at either point. A commit can fail, made or not. It outlives the daemon.
 */
import type { Ledger, LedgerEntry } from '../../src/store/ledger.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import type { Mail, Recipient } from './mail.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

export class LedgerDisk {
  readonly #timeline: Timeline;
  readonly #weather: Weather;
  /** Entries that ever were durably in doubt. */
  readonly #doubted = new Map<string, LedgerEntry>();
  #ledger: MemoryLedger;
  #life: Life | undefined;

  constructor(timeline: Timeline, weather: Weather) {
    this.#timeline = timeline;
    this.#weather = weather;
    this.#ledger = new MemoryLedger((finish) => {
      this.#schedule(finish);
    });
  }

  /** Commits that nobody was told of yet. */
  get waiting(): number {
    return this.#ledger.waiting;
  }

  /** What is durable of this message and recipient, oldest first. */
  entriesOf({ queueId, digest }: Mail, to: Recipient): LedgerEntry[] {
    return this.#ledger.find(queueId).filter((entry) => isOf(entry, digest, to));
  }

  unsettled(): readonly LedgerEntry[] {
    return this.#ledger.unsettled();
  }

  wasInDoubt({ digest }: Mail, to: Recipient): boolean {
    return [...this.#doubted.values()].some((entry) => isOf(entry, digest, to));
  }

  crash(): void {
    this.#ledger = this.#ledger.crash();
  }

  /** The ledger as one daemon uses it. */
  mount(life: Life): Ledger {
    const ledger = this.#ledger;
    this.#life = life;
    const heard = (): Promise<void> => this.#timeline.pause(0, 'ledger heard', life);
    return {
      find: (queueId) => ledger.find(queueId),
      unsettled: () => ledger.unsettled(),
      brokenScans: (digest) => ledger.brokenScans(digest),
      scanBegan: (digest) => {
        ledger.scanBegan(digest);
      },
      scanEnded: (digest) => {
        ledger.scanEnded(digest);
      },
      note: (name) => ledger.note(name),
      commit: (changes) =>
        ledger.commit(changes).then(heard, async (error: unknown) => {
          await heard();
          throw error;
        }),
      defer: (changes) => {
        ledger.defer(changes);
      },
    };
  }

  #schedule(finish: () => void): void {
    const weather = this.#weather;
    this.#timeline.after(
      weather.delay('ledger'),
      'ledger durable',
      () => {
        const kind = weather.below(2, 'durable all the same') === 1 ? 'unknown' : 'refused';
        this.#ledger.failAt(weather.happens('ledger') ? { at: 1, kind } : undefined);
        finish();
        for (const entry of this.#ledger.unsettled()) this.#noteDoubt(entry);
      },
      this.#life,
    );
  }

  #noteDoubt(entry: LedgerEntry): void {
    const { attempt, recipient, orcpt } = entry;
    if (entry.state === 'in-doubt') this.#doubted.set(`${attempt} ${recipient} ${orcpt}`, entry);
  }
}

function isOf(entry: LedgerEntry, digest: string, { address, orcpt }: Recipient): boolean {
  return entry.digest === digest && entry.recipient === address && entry.orcpt === orcpt;
}
