/** Whether the disks that mail is written to have room, looked at now and then. */
import { statfs } from 'node:fs/promises';
import type { Clock, Timer } from '../clock.ts';

/** Between two looks; a disk does not fill in a moment, and a full one is found by the write. */
const everyMs = 5000;

export interface FreeSpaceSettings {
  readonly clock: Clock;
  readonly directories: readonly string[];
  /** Less on one of them is no room. */
  readonly freeBytesMin: number;
}

export class FreeSpace {
  readonly #settings: FreeSpaceSettings;
  #timer: Timer | undefined;
  #isEnough = true;
  #closed = false;

  constructor(settings: FreeSpaceSettings) {
    this.#settings = settings;
  }

  /** As the last look found it; before the first one, true. */
  get isEnough(): boolean {
    return this.#isEnough;
  }

  /** Looks now, and again until `close`. Never rejects: what cannot be looked at has no room. */
  async start(): Promise<void> {
    const { clock, directories, freeBytesMin } = this.#settings;
    const free = await Promise.all(directories.map(freeBytes));
    this.#isEnough = free.every((bytes) => bytes >= freeBytesMin);
    if (this.#closed) return;
    this.#timer = clock.after(everyMs, () => {
      void this.start();
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}

/** For who is not root. */
async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
