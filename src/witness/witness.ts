/**
 * Keeps hold of queue files from the commit question on, and tells what became of them. In memory
 * alone: what it forgets by ending is looked up in the queue and in the log.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { WitnessRequest, WitnessWord } from '../protocol/witness/line.ts';
import { loggedFate } from './mail-log.ts';
import { fateOf, openQueueFile, queueFileFate, type FileFate } from './queue-file.ts';

export interface WitnessOptions {
  /** Postfix's queue_directory. */
  readonly queueDirectory: string;
  /** Postfix's log, as a last resort. */
  readonly log?: string;
  /** Files that are held at once; a file in an open descriptor keeps its blocks on the disk. */
  readonly heldMax: number;
  readonly clock: Clock;
  /** For the log: what the administrator should know. */
  readonly onTrouble: (detail: string) => void;
}

/** Facts that are remembered when the descriptor is closed; the oldest are forgotten. */
const factsMax = 100_000;
/** How often the descriptors of messages that are decided are closed. */
const sweepMs = 10_000;
/** A file may move between directories while they are looked through. */
const secondLookMs = 100;

type Decided = Exclude<FileFate, 'undecided'>;

export class Witness {
  readonly #options: WitnessOptions;
  /** Being opened, or open; undefined when there was no such file. */
  readonly #held = new Map<string, Promise<FileHandle | undefined>>();
  readonly #facts = new Map<string, Decided>();
  #sweep: Timer | undefined;
  #freeing: Promise<void> | undefined;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Descriptors that are open. */
  get held(): number {
    return this.#held.size;
  }

  /** Never rejects. */
  async answer({ verb, queueId }: WitnessRequest): Promise<WitnessWord> {
    try {
      switch (verb) {
        case 'hold':
          return await this.#hold(queueId);
        case 'fate':
          return await this.#fate(queueId);
        case 'release':
          await this.#close(queueId);
          this.#facts.delete(queueId);
          return 'released';
      }
    } catch (error) {
      this.#options.onTrouble(`${verb} ${queueId}: ${messageOf(error)}`);
      return 'failed';
    }
  }

  /** Closes all descriptors. */
  async close(): Promise<void> {
    this.#sweep?.cancel();
    await Promise.all([...this.#held.keys()].map((queueId) => this.#close(queueId)));
  }

  async #hold(queueId: string): Promise<WitnessWord> {
    const { queueDirectory, heldMax, onTrouble } = this.#options;
    if (this.#held.size >= heldMax && !this.#held.has(queueId)) await this.#free();
    if (this.#held.size >= heldMax && !this.#held.has(queueId)) {
      onTrouble(`${heldMax} queue files are held and none is decided: ${queueId} is not held`);
      return 'full';
    }
    // Asked again, it is the same file; with a descriptor on it no other can have its queue id.
    const opening = this.#held.get(queueId) ?? openQueueFile(queueDirectory, queueId);
    this.#held.set(queueId, opening);
    this.#sweepLater();
    const file = await opening.catch((error: unknown) => {
      this.#held.delete(queueId);
      throw error;
    });
    if (file) {
      this.#facts.delete(queueId);
      return 'held';
    }
    this.#held.delete(queueId);
    return this.#facts.has(queueId) ? 'held' : 'not-found';
  }

  async #fate(queueId: string): Promise<WitnessWord> {
    const file = await this.#held.get(queueId);
    if (file) return fateOf(await file.stat());
    return this.#facts.get(queueId) ?? (await this.#search(queueId)) ?? 'unknown';
  }

  async #search(queueId: string): Promise<FileFate | undefined> {
    const { queueDirectory, log, clock } = this.#options;
    const found = await queueFileFate(queueDirectory, queueId);
    if (found) return found;
    await new Promise<void>((resolve) => clock.after(secondLookMs, resolve));
    const again = await queueFileFate(queueDirectory, queueId);
    if (again ?? log === undefined) return again;
    return loggedFate(log, queueId);
  }

  async #close(queueId: string): Promise<void> {
    const opening = this.#held.get(queueId);
    this.#held.delete(queueId);
    const file = await opening?.catch(() => undefined);
    await file?.close();
  }

  #sweepLater(): void {
    this.#sweep ??= this.#options.clock.after(sweepMs, () => {
      this.#sweep = undefined;
      void this.#free().then(() => {
        if (this.#held.size > 0) this.#sweepLater();
      });
    });
  }

  /** Of messages that are decided only the fact is kept: an open file is not gone from the disk. */
  #free(): Promise<void> {
    this.#freeing ??= this.#freeDecided().finally(() => {
      this.#freeing = undefined;
    });
    return this.#freeing;
  }

  async #freeDecided(): Promise<void> {
    for (const [queueId, opening] of [...this.#held]) await this.#freeIfDecided(queueId, opening);
  }

  async #freeIfDecided(queueId: string, opening: Promise<FileHandle | undefined>): Promise<void> {
    const file = await opening.catch(() => undefined);
    const state = await file?.stat().catch(() => undefined);
    const fate = state && fateOf(state);
    // Released meanwhile, or not decided.
    if (!fate || fate === 'undecided' || this.#held.get(queueId) !== opening) return;
    this.#facts.set(queueId, fate);
    const [oldest] = this.#facts.keys();
    if (this.#facts.size > factsMax && oldest !== undefined) this.#facts.delete(oldest);
    await this.#close(queueId);
  }
}
