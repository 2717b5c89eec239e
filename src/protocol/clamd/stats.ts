/** clamd's answer to STATS, as far as it tells whether new work would wait. */

export interface ClamdStats {
  readonly threadsMax: number;
  readonly threadsIdle: number;
  readonly threadsLive: number;
  /** Work that waits for a thread. */
  readonly queued: number;
}

/** Reads the first pool's lines `THREADS:` and `QUEUE:`; undefined where they are not there. */
export function parseStats(words: string): ClamdStats | undefined {
  const threads = /THREADS: live (\d+) +idle (\d+) +max (\d+)/.exec(words);
  const queue = /QUEUE: (\d+) items/.exec(words);
  if (!threads || !queue) return undefined;
  const [live, idle, max] = threads.slice(1).map(Number);
  return {
    threadsLive: live ?? 0,
    threadsIdle: idle ?? 0,
    threadsMax: max ?? 0,
    queued: Number(queue[1]),
  };
}

/** Whether a whole round of work for all threads waits already. */
export function isFull({ threadsMax, threadsIdle, queued }: ClamdStats): boolean {
  return threadsIdle === 0 && threadsMax > 0 && queued >= threadsMax;
}
