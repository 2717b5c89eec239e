/**
 * Keeps hold of queue files from the commit question on, and tells what became of them. In memory
 * alone: what it forgets by ending is looked up in the queue and in the log.
 */
import { closeSync, fstatSync } from 'node:fs';
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

type Decided = Extract<FileFate, 'committed' | 'not-committed'>;

export class Witness {
  readonly #options: WitnessOptions;
  /** Open descriptors. */
  readonly #held = new Map<string, number>();
  readonly #facts = new Map<string, Decided>();
  #sweep: Timer | undefined;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Descriptors that are open. */
  get held(): number {
    return this.#held.size;
  }

  /** Never throws or rejects. Only what has to be looked for is not answered at once. */
  answer({ verb, queueId }: WitnessRequest): WitnessWord | Promise<WitnessWord> {
    const failed = (error: unknown): WitnessWord => {
      this.#options.onTrouble(`${verb} ${queueId}: ${messageOf(error)}`);
      return 'failed';
    };
    try {
      switch (verb) {
        case 'hold':
          return this.#hold(queueId);
        case 'fate':
          return this.#fate(queueId).catch(failed);
        case 'release':
          this.#close(queueId);
          this.#facts.delete(queueId);
          return 'released';
      }
    } catch (error) {
      return failed(error);
    }
  }

  /** Closes all descriptors. */
  close(): void {
    this.#sweep?.cancel();
    for (const queueId of [...this.#held.keys()]) this.#close(queueId);
  }

  #hold(queueId: string): WitnessWord {
    // Asked again, it is the same file; with a descriptor on it no other can have its queue id.
    if (this.#held.has(queueId)) return 'held';
    const { queueDirectory, heldMax, onTrouble } = this.#options;
    if (this.#held.size >= heldMax) this.#free();
    if (this.#held.size >= heldMax) {
      onTrouble(`${heldMax} queue files are held and none is decided: ${queueId} is not held`);
      return 'full';
    }
    const file = openQueueFile(queueDirectory, queueId);
    if (file === undefined) return this.#facts.has(queueId) ? 'held' : 'not-found';
    this.#held.set(queueId, file);
    this.#facts.delete(queueId);
    this.#sweepLater();
    return 'held';
  }

  async #fate(queueId: string): Promise<WitnessWord> {
    const file = this.#held.get(queueId);
    const fate =
      file === undefined
        ? (this.#facts.get(queueId) ?? (await this.#search(queueId)))
        : fateOf(fstatSync(file), this.#options.clock.now());
    return fate === undefined || fate === 'abandoned' ? 'unknown' : fate;
  }

  async #search(queueId: string): Promise<FileFate | undefined> {
    const { queueDirectory, log, clock } = this.#options;
    const found = await queueFileFate(queueDirectory, queueId, clock.now());
    if (found) return found;
    await new Promise<void>((resolve) => clock.after(secondLookMs, resolve));
    const again = await queueFileFate(queueDirectory, queueId, clock.now());
    if (again ?? log === undefined) return again;
    return loggedFate(log, queueId);
  }

  #close(queueId: string): void {
    const file = this.#held.get(queueId);
    this.#held.delete(queueId);
    if (file !== undefined) closeSync(file);
  }

  #sweepLater(): void {
    this.#sweep ??= this.#options.clock.after(sweepMs, () => {
      this.#sweep = undefined;
      this.#free();
      if (this.#held.size > 0) this.#sweepLater();
    });
  }

  /** Of messages that are decided only the fact is kept: an open file is not gone from the disk. */
  #free(): void {
    for (const [queueId, file] of [...this.#held]) {
      const fate = fateIfKnown(file, this.#options.clock.now());
      if (fate !== 'committed' && fate !== 'not-committed') continue;
      this.#facts.set(queueId, fate);
      const [oldest] = this.#facts.keys();
      if (this.#facts.size > factsMax && oldest !== undefined) this.#facts.delete(oldest);
      this.#close(queueId);
    }
  }
}

function fateIfKnown(file: number, now: number): FileFate | undefined {
  try {
    return fateOf(fstatSync(file), now);
  } catch {
    return undefined;
  }
}
