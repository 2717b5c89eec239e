/**
 * Which engine and signatures each clamd has, by its own word (VERSION), and whether that has moved.
 * Whoever keeps an answer of clamd asks here under which generation it was given, and later whether
 * that still holds. docs/decisions/0004-verdict-cache.md has the proof.
 */
import { Canceller } from '../cancel-signal.ts';
import { notNeeded } from '../errors.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ask, type Dialling } from './clamd-socket.ts';

/** 'ClamAV 1.4.6/27000/Thu Nov 20 2025': without a number nothing tells of a change of signatures. */
const withDatabase = /^ClamAV [^/\s]+\/\d+\/.+$/;

export interface VersionSettings extends Dialling {
  readonly endpoints: readonly ClamdAddress[];
  /**
   * Whether a clamd has signatures of which its version does not tell (from others than ClamAV);
   * asked beside each VERSION. Undefined where that cannot be known.
   */
  readonly hasOthers?: (endpoint: string) => Promise<boolean | undefined>;
}

interface Endpoint {
  readonly address: ClamdAddress;
  /** What it said last; undefined where it did not answer. */
  version: string | undefined;
  /** What stands for all its signatures; undefined where nothing does. */
  identity: string | undefined;
  /** How often it was seen to change, or not to answer. */
  moves: number;
}

export class DatabaseVersions {
  readonly #settings: VersionSettings;
  readonly #endpoints: readonly Endpoint[];
  readonly #stop = new Canceller();
  #generation = 0;
  /** The newest reading, under way or done; readings are counted in the order they began. */
  #newest: { readonly number: number; readonly done: Promise<void> } = {
    number: 0,
    done: Promise.resolve(),
  };

  constructor(settings: VersionSettings) {
    this.#settings = settings;
    this.#endpoints = settings.endpoints.map((address) => ({
      address,
      version: undefined,
      identity: undefined,
      moves: 0,
    }));
  }

  /**
   * A number that stands for what all clamds have, as it was last read; it never comes again once
   * one of them was seen to move or to be away. Undefined where they differ or one cannot be known.
   */
  get generation(): number | undefined {
    const identity = this.#endpoints[0]?.identity;
    const isShared = this.#endpoints.every((endpoint) => endpoint.identity === identity);
    return isShared && identity !== undefined ? this.#generation : undefined;
  }

  /** How often this clamd was seen to change or to be away; undefined while it does not answer. */
  moves(endpoint: string): number | undefined {
    const known = this.#endpoints.find(({ address }) => address.name === endpoint);
    return known?.version === undefined ? undefined : known.moves;
  }

  /** Now, for `since`. */
  mark(): number {
    return this.#newest.number;
  }

  /**
   * The generation by a reading that began after `mark` was taken: one that there is already, else
   * every clamd is asked now. Never rejects.
   */
  async since(mark: number): Promise<number | undefined> {
    if (this.#newest.number <= mark) {
      this.#newest = { number: this.#newest.number + 1, done: this.#read() };
    }
    await this.#newest.done;
    return this.#stop.signal.aborted ? undefined : this.generation;
  }

  /** Asks no more. */
  close(): void {
    this.#stop.abort(notNeeded);
  }

  async #read(): Promise<void> {
    await Promise.all(this.#endpoints.map((endpoint) => this.#readOne(endpoint)));
  }

  async #readOne(endpoint: Endpoint): Promise<void> {
    const { name } = endpoint.address;
    // Before VERSION: signatures are on the disk before clamd can have loaded them.
    const others = await this.#settings.hasOthers?.(name).catch(() => true);
    const version = await this.#ask(endpoint.address);
    const isWhole = version !== undefined && withDatabase.test(version) && others !== true;
    const identity = isWhole ? version : undefined;
    if (version === endpoint.version && identity === endpoint.identity && version !== undefined) {
      return;
    }
    Object.assign(endpoint, { version, identity, moves: endpoint.moves + 1 });
    this.#generation++;
  }

  async #ask(address: ClamdAddress): Promise<string | undefined> {
    try {
      const version = await ask(address, 'VERSION', this.#settings, this.#stop.signal);
      return version.startsWith('ClamAV ') ? version : undefined;
    } catch {
      return undefined;
    }
  }
}
