/**
 * Which engine and signatures each clamd has, by its own word (VERSION), and whether that has moved.
 * Whoever keeps an answer of clamd asks here under which generation it was given, and later whether
 * that still holds. docs/decisions/0004-verdict-cache.md has the proof.
 */
import { Canceller } from '../cancel-signal.ts';
import { notNeeded } from '../errors.ts';
import type { ClamdAddress } from './clamd-address.ts';
import { ask, type Dialling } from './clamd-socket.ts';
import { type ClamdVersion, parseVersion } from '../protocol/clamd/version.ts';

/** Of which clamds it tells, and what is known of them besides. */
export interface VersionSubjects {
  readonly endpoints: readonly ClamdAddress[];
  /**
   * Whether a clamd has signatures of which its version does not tell (from others than ClamAV);
   * asked beside each VERSION. Undefined where that cannot be known.
   */
  readonly hasOthers?: ((endpoint: string) => Promise<boolean | undefined>) | undefined;
}

export type VersionSettings = VersionSubjects & Dialling;

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
  readonly #dialling: Dialling;
  #hasOthers: VersionSubjects['hasOthers'];
  #endpoints: readonly Endpoint[] = [];
  readonly #stop = new Canceller();
  /** Whether there are other signatures, by the clamd's name, where that is being found out. */
  readonly #asked = new Map<string, Promise<boolean>>();
  #generation = 0;
  /** The newest reading, under way or done; readings are counted in the order they began. */
  #newest: { readonly number: number; readonly done: Promise<void> } = {
    number: 0,
    done: Promise.resolve(),
  };

  constructor(settings: VersionSettings) {
    this.#dialling = settings;
    this.adjust(settings);
  }

  /** Others from now on. What is known of those that stay is kept. */
  adjust({ endpoints, hasOthers }: VersionSubjects): void {
    this.#hasOthers = hasOthers;
    this.#endpoints = endpoints.map(
      (address) =>
        this.#known(address.name) ?? { address, version: undefined, identity: undefined, moves: 0 },
    );
    this.#generation++;
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
    const known = this.#known(endpoint);
    return known?.version === undefined ? undefined : known.moves;
  }

  /** What it said last; undefined where it did not answer, or said nothing that is a version. */
  version(endpoint: string): string | undefined {
    return this.#known(endpoint)?.version;
  }

  /** What each said last, as `version`. */
  get all(): ReadonlyMap<string, ClamdVersion | undefined> {
    return new Map(
      this.#endpoints.map(({ address, version }) => [
        address.name,
        version === undefined ? undefined : parseVersion(version),
      ]),
    );
  }

  /** Nothing that it has said holds any more. */
  distrust(endpoint: string): void {
    const known = this.#known(endpoint);
    if (known) known.moves++;
    this.#generation++;
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

  /**
   * Asks one clamd.
   *
   * @returns its words, whatever they are. @throws as `ask`.
   */
  async read(address: ClamdAddress): Promise<string> {
    // Before VERSION: signatures are on the disk before clamd can have loaded them.
    const others = await this.#othersOf(address.name);
    try {
      const words = await ask(address, 'VERSION', this.#dialling, this.#stop.signal);
      this.#learn(address, words, others);
      return words;
    } catch (error) {
      this.#learn(address, '', false);
      throw error;
    }
  }

  /** A disk that hangs is asked once, not at each look, and taken for one that has others. */
  async #othersOf(name: string): Promise<boolean> {
    if (!this.#hasOthers) return false;
    const { clock, connectMs } = this.#dialling;
    const asked = this.#asked.get(name) ?? this.#askOthers(name, this.#hasOthers);
    const late = Promise.withResolvers<boolean>();
    const timer = clock.after(connectMs, () => {
      late.resolve(true);
    });
    try {
      return await Promise.race([asked, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #askOthers(name: string, hasOthers: NonNullable<VersionSubjects['hasOthers']>): Promise<boolean> {
    const asked = hasOthers(name)
      .then((others) => others === true)
      .catch(() => true)
      .finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }

  async #read(): Promise<void> {
    const reads = this.#endpoints.map(({ address }) => this.read(address).catch(() => ''));
    await Promise.all(reads);
  }

  #learn({ name }: ClamdAddress, words: string, hasOthers: boolean): void {
    const endpoint = this.#known(name);
    if (!endpoint) return;
    const parsed = parseVersion(words);
    const version = parsed && words;
    // Without a number nothing tells of a change of signatures.
    const identity = parsed?.database === undefined || hasOthers ? undefined : words;
    if (version === endpoint.version && identity === endpoint.identity && version !== undefined) {
      return;
    }
    Object.assign(endpoint, { version, identity, moves: endpoint.moves + 1 });
    this.#generation++;
  }

  #known(name: string): Endpoint | undefined {
    return this.#endpoints.find(({ address }) => address.name === name);
  }
}
