/**
 * The part 'footprint': how long a daemon takes to listen, and what it takes: idle, and with many large
 * attachments at once. Each figure is of a daemon that was started for it, with the real clamd.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/ports.ts';
import type { PrivateDaemon } from '../../test/support/private-daemon.ts';
import { attachmentMaker } from '../load/content.ts';
import { SmtpLoad } from '../load/smtp-load.ts';
import type { Options } from '../options.ts';
import { familyPeakBytes } from '../stage/family.ts';
import { cpuSeconds, preciseCpuSeconds, residentBytes } from '../stage/process-usage.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import type { Stage } from '../stage/stage.ts';

export interface FootprintFigures {
  readonly starts: readonly Start[];
  readonly idle: Idle;
  readonly peaks: readonly Peak[];
}

/** From the start of the process to its word that it listens. */
export interface Start {
  readonly ms: number;
  /** Of all its threads, and the child that has read the configuration. */
  readonly cpuMs: number;
}

export interface Idle {
  readonly bytes: number;
  /** Of one core. */
  readonly cpuShare: number;
}

/** So many attachments at once. */
export interface Peak {
  readonly sessions: number;
  readonly bytes: number;
  /** Of all processes of the daemon. */
  readonly peakBytes: number;
  readonly seconds: number;
}

const MiB = 1024 * 1024;
const startsMeasured = 5;
/** When what the start has left behind is collected, and nothing is left to do: V8 takes some 20 s. */
const settledMs = 30_000;
/** In which it asks its clamd for its version four times. */
const idleMs = 20_000;

export async function measureFootprint(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<FootprintFigures> {
  const starts: Start[] = [];
  while (starts.length < startsMeasured) starts.push(await withDaemon(stage, startOf));
  const listening = starts.map(({ ms }) => ms.toFixed(0)).join(', ');
  tell(`listening after ${listening} ms; idle for ${(settledMs + idleMs) / 1000} s`);
  const idle = await withDaemon(stage, idleOf);
  tell(`idle: ${mib(idle.bytes)} MiB, ${(idle.cpuShare * 100).toFixed(2)} % of a core`);
  const peaks: Peak[] = [];
  const { footprintSessions: sessions } = options;
  for (const size of options.footprintMiB) {
    tell(`${sessions} sessions with ${size} MiB each, at once`);
    const peak = await peakOf(stage, { sessions, bytes: size * MiB });
    tell(`${mib(peak.peakBytes)} MiB at the peak, in ${peak.seconds.toFixed(0)} s`);
    peaks.push(peak);
  }
  return { starts, idle, peaks };
}

function startOf(daemon: PrivateDaemon, begun: number): Promise<Start> {
  const cpuMs = cpuSeconds(daemon.pid, true) * 1000;
  return Promise.resolve({ ms: listenedAt(daemon) - begun, cpuMs });
}

/** When it logged so, in milliseconds since 1970. */
function listenedAt(daemon: PrivateDaemon): number {
  const line = daemon.logLines().find((each) => each.includes('"event":"listening"')) ?? '{}';
  return Date.parse((JSON.parse(line) as { time: string }).time);
}

async function idleOf({ pid }: PrivateDaemon): Promise<Idle> {
  await delay(settledMs);
  const [before, begun] = [preciseCpuSeconds(pid), performance.now()];
  await delay(idleMs);
  const lasted = (performance.now() - begun) / 1000;
  const cpuShare = (preciseCpuSeconds(pid) - before) / lasted;
  return { bytes: residentBytes(pid), cpuShare };
}

function peakOf(
  stage: Stage,
  { sessions, bytes }: Pick<Peak, 'sessions' | 'bytes'>,
): Promise<Peak> {
  const make = attachmentMaker(bytes);
  return withDaemon(stage, async (daemon, _begun, port) => {
    const begun = performance.now();
    const all = Array.from({ length: sessions }, async (_, serial) => {
      const connection = await SmtpLoad.open(port);
      await connection.send(make(serial).message);
      connection.quit();
    });
    await Promise.all(all);
    const seconds = (performance.now() - begun) / 1000;
    return { sessions, bytes, peakBytes: familyPeakBytes(daemon.pid), seconds };
  });
}

async function withDaemon<T>(
  { sinkPort, clamdSocket }: Stage,
  use: (daemon: PrivateDaemon, begun: number, port: number) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const begun = Date.now();
  const daemon = await startDaemon({
    listeners: [listenerOf(port, sinkPort)],
    clamd: [`unix:${clamdSocket}`],
  });
  try {
    return await use(daemon, begun, port);
  } finally {
    await daemon.close();
  }
}

function mib(bytes: number): string {
  return (bytes / MiB).toFixed(0);
}
