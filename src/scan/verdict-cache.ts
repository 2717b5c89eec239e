/**
 * What clamd called clean a short while ago, by digest, so that the same logo or newsletter is not
 * sent again. An answer holds only for the engine and signatures that gave it: see
 * database-versions.ts, and docs/decisions/0004-verdict-cache.md for why no old one survives.
 */
import type { Clock } from '../clock.ts';
import type { ClamdPool } from './clamd-pool.ts';
import type { DatabaseVersions } from './database-versions.ts';

export interface CacheSettings {
  /** About 250 bytes each; over it the one that was not used for longest goes. */
  readonly entriesMax: number;
  /** An answer is not used for longer, whatever the versions say. */
  readonly ageMsMax: number;
}

interface Entry {
  /** Of `DatabaseVersions`, read before the scan began. */
  readonly generation: number;
  /** `DatabaseVersions.mark` when the scan had ended. */
  readonly ended: number;
  /** Monotonic. */
  readonly until: number;
  readonly endpoint: string;
}

/** A clean answer that still holds. */
export interface Kept {
  /** Which clamd gave it. */
  readonly endpoint: string;
  /** Whether the signatures of that are older than they may be, by now. */
  readonly hasOldSignatures: boolean;
}

/** What is known of the clamds that answer. */
export type CachedPool = Pick<ClamdPool, 'versions' | 'hasOldSignatures'>;

export class VerdictCache {
  readonly #settings: CacheSettings;
  readonly #pool: CachedPool;
  readonly #versions: DatabaseVersions;
  readonly #clock: Clock;
  /** From the one that was not used for longest to the one used last. */
  readonly #entries = new Map<string, Entry>();

  constructor(settings: CacheSettings, pool: CachedPool, clock: Clock) {
    this.#settings = settings;
    this.#pool = pool;
    this.#versions = pool.versions;
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The cache as one message may use it, whose scan begins now. */
  forMessage(): MessageCache {
    return new MessageCache(this, this.#versions);
  }

  /** @param began `DatabaseVersions.mark` when the message's scan began. */
  async find(digest: string, began: number): Promise<Kept | undefined> {
    const entry = this.#entries.get(digest);
    // Where nothing stands for all clamds now, what stands for them later is another generation: there
    // is nothing to ask, and nobody waits for one that is away.
    if (entry === undefined || this.#versions.generation === undefined) return undefined;
    const { generation, ended, until, endpoint } = entry;
    const isYoung = this.#clock.monotonic() < until;
    const current = isYoung ? await this.#versions.since(Math.max(ended, began)) : undefined;
    this.#entries.delete(digest);
    if (current !== generation) return undefined;
    this.#entries.set(digest, entry);
    return { endpoint, hasOldSignatures: this.#pool.hasOldSignatures(endpoint) };
  }

  keep(digest: string, endpoint: string, generation: number): void {
    this.#entries.delete(digest);
    const until = this.#clock.monotonic() + this.#settings.ageMsMax;
    this.#entries.set(digest, { generation, ended: this.#versions.mark(), until, endpoint });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#settings.entriesMax) return;
      this.#entries.delete(oldest);
    }
  }
}

export class MessageCache {
  readonly #cache: VerdictCache;
  readonly #versions: DatabaseVersions;
  readonly #began: number;

  constructor(cache: VerdictCache, versions: DatabaseVersions) {
    this.#cache = cache;
    this.#versions = versions;
    this.#began = versions.mark();
  }

  /** A clean answer about these bytes that holds for the clamds as they are during this scan. */
  find(digest: string): Promise<Kept | undefined> {
    return this.#cache.find(digest, this.#began);
  }

  /** To be called before bytes are sent. @returns how their answer is kept, if it can be. */
  watch(): ((digest: string, endpoint: string) => void) | undefined {
    const before = this.#versions.generation;
    if (before === undefined) return undefined;
    return (digest, endpoint) => {
      this.#cache.keep(digest, endpoint, before);
    };
  }
}
