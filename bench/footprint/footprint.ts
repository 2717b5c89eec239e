/**
 * How long a daemon takes to listen, and the memory that it takes: idle, and with many large
 * attachments at once. Each figure is of a daemon that was started for it, with the real clamd.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { boundMessage } from '../bounds/bounds-content.ts';
import { cpuSeconds, peakResidentBytes, residentBytes } from '../stage/process-usage.ts';
import { SmtpLoad } from '../load/smtp-load.ts';
import { listenerOf, type Stage, startDaemon } from '../stage/stage.ts';

export interface MemoryFigures {
  readonly starts: readonly Start[];
  readonly idleBytes: number;
  readonly peaks: readonly Peak[];
}

/** From the start of the process to its word that it listens. */
export interface Start {
  readonly ms: number;
  /** Of all its threads, and the child that has read the configuration. */
  readonly cpuMs: number;
}

/** So many attachments at once. */
export interface Peak {
  readonly sessions: number;
  readonly bytes: number;
  readonly peakBytes: number;
  readonly seconds: number;
}

const MiB = 1024 * 1024;
const attachmentBytes = [10 * MiB, 25 * MiB];
const startsMeasured = 5;
/** When it has looked at its clamd, and nothing is left to do. */
const idleMs = 5000;

export async function measureMemory(
  stage: Stage,
  sessions: number,
  tell: (what: string) => void,
): Promise<MemoryFigures> {
  const starts: Start[] = [];
  let idleBytes = 0;
  while (starts.length < startsMeasured) {
    await withDaemon(stage, async (daemon, begun) => {
      const cpuMs = cpuSeconds(daemon.pid, true) * 1000;
      starts.push({ ms: listenedAt(daemon) - begun, cpuMs });
      if (starts.length < startsMeasured) return;
      await delay(idleMs);
      idleBytes = residentBytes(daemon.pid);
    });
  }
  tell(`starts: ${JSON.stringify(starts)}; idle with ${idleBytes} bytes`);
  const peaks: Peak[] = [];
  for (const bytes of attachmentBytes) peaks.push(await peakOf(stage, { sessions, bytes }, tell));
  return { starts, idleBytes, peaks };
}

/** When it logged so, in milliseconds since 1970. */
function listenedAt(daemon: PrivateDaemon): number {
  const line = daemon.logLines().find((each) => each.includes('"event":"listening"')) ?? '{}';
  return Date.parse((JSON.parse(line) as { time: string }).time);
}

function peakOf(
  stage: Stage,
  { sessions, bytes }: Pick<Peak, 'sessions' | 'bytes'>,
  tell: (what: string) => void,
): Promise<Peak> {
  tell(`${sessions} sessions, each with ${bytes} bytes, at once`);
  return withDaemon(stage, async (daemon, _begun, port) => {
    const begun = performance.now();
    const all = Array.from({ length: sessions }, async (_, serial) => {
      const connection = await SmtpLoad.open(port);
      await connection.send(boundMessage('base64 attachment', bytes, serial + 1));
      connection.quit();
    });
    await Promise.all(all);
    const seconds = (performance.now() - begun) / 1000;
    const peakBytes = peakResidentBytes(daemon.pid);
    tell(`${peakBytes} bytes at the peak, in ${seconds.toFixed(0)} s`);
    return { sessions, bytes, peakBytes, seconds };
  });
}

async function withDaemon<T>(
  { sinkPort, clamdSocket }: Stage,
  use: (daemon: PrivateDaemon, begun: number, port: number) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const begun = Date.now();
  const daemon = await startDaemon(
    { listeners: [listenerOf(port, sinkPort)], clamd: [`unix:${clamdSocket}`] },
    undefined,
  );
  try {
    return await use(daemon, begun, port);
  } finally {
    await daemon.close();
  }
}
