/** What a daemon uses at a moment. */
import { readdirSync, readFileSync } from 'node:fs';
import { residentBytes } from '../../bench/stage/process-usage.ts';
import type { PrivateDaemon } from '../support/private-daemon.ts';
import { metricsOf } from './metrics.ts';

export interface Usage {
  /** Since the load began. */
  readonly seconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Files in its spool. */
  readonly spooled: number;
  /** Messages that it has begun and not ended. */
  readonly atWork: number;
}

export async function usageOf(daemon: PrivateDaemon, seconds: number): Promise<Usage> {
  const { pid } = daemon;
  const { heapBytes, atWork } = await metricsOf(daemon.control);
  return {
    seconds,
    residentBytes: residentBytes(pid),
    heapBytes,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(/^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
    spooled: readdirSync(daemon.spoolDirectory).length,
    atWork,
  };
}
