/**
 * The program that looks into the next hop's queue for the daemon: it outlives the daemon, and what
 * it holds dies with it. Asking it takes time.
 */
import type { QueueEvidence, QueueFate } from '../../src/relay/evidence.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** What the next hop's disk says of a queue file. */
export type QueueFile = 'open' | 'committed' | 'removed';

const fates = {
  open: 'undecided',
  committed: 'committed',
  removed: 'not-committed',
} as const satisfies Record<QueueFile, QueueFate>;

export class Witness {
  /** Whether it ever lacked what it should have held. */
  failed = false;
  readonly #timeline: Timeline;
  readonly #weather: Weather;
  readonly #fileOf: (queueId: string) => QueueFile | undefined;
  readonly #held = new Set<string>();

  constructor(
    timeline: Timeline,
    weather: Weather,
    fileOf: (queueId: string) => QueueFile | undefined,
  ) {
    this.#timeline = timeline;
    this.#weather = weather;
    this.#fileOf = fileOf;
  }

  /** As one daemon uses it. */
  mount(life: Life): QueueEvidence {
    const asked = (): Promise<void> =>
      this.#timeline.pause(this.#weather.delay('witness'), 'witness', life);
    return {
      hold: async (queueId) => {
        await asked();
        return this.#hold(queueId);
      },
      fate: async (queueId) => {
        await asked();
        return this.#fate(queueId);
      },
      release: (queueId) => {
        this.#held.delete(queueId);
      },
    };
  }

  #hold(queueId: string): boolean {
    const away = this.#weather.happens('witness away');
    this.failed ||= away;
    if (!away) this.#held.add(queueId);
    return !away;
  }

  #fate(queueId: string): QueueFate {
    if (this.#weather.happens('evidence lost')) {
      this.failed = true;
      this.#held.clear();
    }
    const file = this.#held.has(queueId) ? this.#fileOf(queueId) : undefined;
    return file === undefined ? 'unknown' : fates[file];
  }
}
