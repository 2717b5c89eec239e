/**
 * Changes that are durable in the journal and that the database does not have yet: laid over what is
 * read from it, and handed to it all at once. What befell an entry that began here is put together,
 * so that most messages cost the database one row.
 */
import type { AttemptState, LedgerChange, LedgerEntry } from './ledger.ts';

export type Settlement = Extract<LedgerChange, { kind: 'settle' }>;

/** What the database is to take over. */
export interface Fold {
  readonly entries: readonly LedgerEntry[];
  /** Of attempts that it has already. */
  readonly settlements: readonly Settlement[];
  readonly notes: readonly (readonly [name: string, value: string])[];
  /** The number of the journal's record up to which this goes. */
  readonly through: number;
}

const openStates: readonly AttemptState[] = ['sending', 'prepared', 'in-doubt'];

export class Unfolded {
  /**
   * By name, in the order in which they came. All entries of an attempt that can still change come
   * in one `begin`: beside them, for other recipients, only what was kept or dropped for good.
   */
  readonly #entries = new Map<string, LedgerEntry>();
  /** Names of entries. */
  readonly #ofAttempt = new Map<string, string[]>();
  readonly #ofMessage = new Map<string, string[]>();
  /** By attempt, of entries that began earlier. */
  readonly #settlements = new Map<string, Settlement[]>();
  readonly #notes = new Map<string, string>();
  /** The number of the last record in here. */
  #through = 0;

  get through(): number {
    return this.#through;
  }

  /** Attempts whose entries are to be changed in the database. */
  get settledAttempts(): readonly string[] {
    return [...this.#settlements.keys()];
  }

  take(changes: readonly LedgerChange[], number: number): void {
    this.#through = number;
    for (const change of changes) {
      if (change.kind === 'begin') for (const entry of change.entries) this.#begin(entry);
      else if (change.kind === 'settle') this.#settle(change);
      else this.#notes.set(change.name, change.value);
    }
  }

  fold(): Fold {
    return {
      entries: this.entries(),
      settlements: [...this.#settlements.values()].flat(),
      notes: [...this.#notes],
      through: this.#through,
    };
  }

  note(name: string): string | undefined {
    return this.#notes.get(name);
  }

  /** @param stored what the database has of this message. */
  ofMessage(stored: readonly LedgerEntry[], queueId: string): readonly LedgerEntry[] {
    return together(this.changed(stored), this.#named(this.#ofMessage.get(queueId)));
  }

  /** @param stored what the database has of this attempt. */
  ofAttempt(stored: readonly LedgerEntry[], attempt: string): readonly LedgerEntry[] {
    return together(this.changed(stored), this.#named(this.#ofAttempt.get(attempt)));
  }

  /** @param stored all that are open in the database. */
  unsettled(stored: readonly LedgerEntry[]): readonly LedgerEntry[] {
    const all = together(this.changed(stored), this.entries());
    return all.filter(({ state }) => openStates.includes(state));
  }

  /** Entries of the database, as they are to become. */
  changed(stored: readonly LedgerEntry[]): readonly LedgerEntry[] {
    if (this.#settlements.size === 0) return stored;
    return stored.map((entry) =>
      (this.#settlements.get(entry.attempt) ?? []).reduce(settled, entry),
    );
  }

  /** Entries that are not in the database, in the order in which they came. */
  entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /** Whether an entry of this name began here. */
  has(entry: LedgerEntry): boolean {
    return this.#entries.has(nameOf(entry.attempt, entry));
  }

  #named(names: readonly string[] = []): LedgerEntry[] {
    return names.flatMap((name) => this.#entries.get(name) ?? []);
  }

  #begin(entry: LedgerEntry): void {
    const name = nameOf(entry.attempt, entry);
    // What is there already stays as it is, so that a `begin` may come twice.
    if (this.#entries.has(name)) return;
    this.#entries.set(name, entry);
    push(this.#ofAttempt, entry.attempt, name);
    push(this.#ofMessage, entry.queueId, name);
  }

  #settle(change: Settlement): void {
    const { attempt, recipients } = change;
    const all = this.#ofAttempt.get(attempt);
    if (!all) {
      push(this.#settlements, attempt, change);
      return;
    }
    for (const name of recipients?.map((one) => nameOf(attempt, one)) ?? all) {
      const entry = this.#entries.get(name);
      if (entry) this.#entries.set(name, settled(entry, change));
    }
  }
}

function push<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list) list.push(value);
  else lists.set(name, [value]);
}

function nameOf(attempt: string, to: Pick<LedgerEntry, 'recipient' | 'orcpt'>): string {
  return `${attempt}\0${to.recipient}\0${to.orcpt}`;
}

function isSame(a: LedgerEntry, b: LedgerEntry): boolean {
  return a.attempt === b.attempt && a.recipient === b.recipient && a.orcpt === b.orcpt;
}

/** Oldest first, and of the same age in the order in which they came. */
function together(
  stored: readonly LedgerEntry[],
  begun: readonly LedgerEntry[],
): readonly LedgerEntry[] {
  const fresh = begun.filter((entry) => !stored.some((one) => isSame(one, entry)));
  return fresh.length === 0 ? stored : [...stored, ...fresh].sort((a, b) => a.began - b.began);
}

function settled(entry: LedgerEntry, change: Settlement): LedgerEntry {
  const { recipients, from, state, nextQueueId, reply, changed } = change;
  const isMeant =
    from.includes(entry.state) &&
    (recipients?.some((one) => one.recipient === entry.recipient && one.orcpt === entry.orcpt) ??
      true);
  if (!isMeant) return entry;
  return {
    ...entry,
    ...{ state, changed },
    ...(nextQueueId !== undefined && { nextQueueId }),
    ...(reply && { reply }),
  };
}
