/**
 * Whether threads that take messages apart do more than the daemon's own: the same attachments through
 * daemons with one worker, two and three, and clamds that compute nothing, as on machines of their own.
 */
import { freePort } from '../../test/support/ports.ts';
import type { Kind } from '../load/content.ts';
import type { JobDone } from '../load/load.ts';
import type { Options } from '../options.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { listenerOf, startDaemon } from '../stage/daemon.ts';
import { familyPeakBytes } from '../stage/family.ts';
import { mainThreadSeconds, preciseCpuSeconds } from '../stage/process-usage.ts';
import { startStandIn } from '../stage/stand-in.ts';
import type { Stage } from '../stage/stage.ts';

export interface WorkersFigures {
  readonly repeats: number;
  readonly seconds: number;
  readonly sessions: number;
  readonly rows: readonly WorkersRow[];
}

export interface WorkersRow {
  readonly kind: Kind;
  readonly workers: number;
  /** Messages a second. */
  readonly rate: Spread;
  /** That rate as a share of the one with the fewest workers, measured just before. */
  readonly gain: Spread;
  readonly p50Ms: Spread;
  /** Of all threads, for a message. */
  readonly cpuMs: Spread;
  /** Of the daemon's own thread, for a message: what bounds it, however many workers there are. */
  readonly ownMs: Spread;
  /** Of the daemon, in all messages so far. */
  readonly peakBytes: number;
}

interface Place {
  readonly workers: number;
  readonly port: number;
  readonly pid: number;
}

interface Measured extends JobDone {
  readonly kind: Kind;
  readonly workers: number;
  readonly repeat: number;
  readonly cpuMs: number;
  readonly ownMs: number;
}

const kinds: readonly Kind[] = ['text-4k', 'newsletter-20k', 'attachment-100k', 'attachment-1m'];
const sessions = 16;
const perConnection = 100;

export async function measureWorkers(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<WorkersFigures> {
  const { repeats, seconds, workers } = options;
  tell(`workers, ${workers.join(' and ')} of them: starting`);
  const closing: (() => Promise<void>)[] = [];
  const all: Measured[] = [];
  try {
    const places = await placesOf(stage, workers, closing);
    const cells = kinds.flatMap((kind) => places.map((place) => ({ kind, place })));
    for (const cell of cells) await load(cell, options.steadySeconds / 2);
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const cell of cells) all.push({ ...(await measured(cell)), repeat });
      tell(`workers: ${repeat} of ${repeats}`);
    }
    const rows = cells.map(({ kind, place }) => rowOf(kind, place, all));
    return { repeats, seconds, sessions, rows };
  } finally {
    for (const close of closing.reverse()) await close();
  }

  async function measured({ kind, place }: Cell): Promise<Omit<Measured, 'repeat'>> {
    await load({ kind, place }, options.warmUpSeconds);
    const { pid } = place;
    const before = [preciseCpuSeconds(pid), mainThreadSeconds(pid)] as const;
    const done = await load({ kind, place }, seconds);
    const ms = (used: number): number => (used * 1000) / done.messages;
    const cpuMs = ms(preciseCpuSeconds(pid) - before[0]);
    const ownMs = ms(mainThreadSeconds(pid) - before[1]);
    return { kind, workers: place.workers, ...done, cpuMs, ownMs };
  }

  function load({ kind, place }: Cell, forSeconds: number): Promise<JobDone> {
    const target = { protocol: 'smtp', port: place.port } as const;
    return stage.load({ target, kind, sessions, seconds: forSeconds, perConnection });
  }
}

interface Cell {
  readonly kind: Kind;
  readonly place: Place;
}

async function placesOf(
  { sinkPort }: Stage,
  counts: readonly number[],
  closing: (() => Promise<void>)[],
): Promise<Place[]> {
  const clamd = await startStandIn();
  closing.push(() => clamd.close());
  const places: Place[] = [];
  for (const workers of counts) {
    const port = await freePort();
    const listeners = [listenerOf(port, sinkPort)];
    const daemon = await startDaemon({ listeners, clamd: [`unix:${clamd.socket}`], workers });
    closing.push(() => daemon.close());
    places.push({ workers, port, pid: daemon.pid });
  }
  return places;
}

function rowOf(kind: Kind, { workers, pid }: Place, all: readonly Measured[]): WorkersRow {
  const ofKind = all.filter((one) => one.kind === kind);
  const own = ofKind.filter((one) => one.workers === workers);
  const gains = own.map((one) => {
    const first = ofKind.find(({ repeat }) => repeat === one.repeat);
    return rateOf(one) / rateOf(first ?? one);
  });
  return {
    ...{ kind, workers },
    rate: spreadOf(own.map(rateOf)),
    gain: spreadOf(gains),
    p50Ms: spreadOf(own.map(({ latencyMs }) => latencyMs.p50)),
    cpuMs: spreadOf(own.map(({ cpuMs }) => cpuMs)),
    ownMs: spreadOf(own.map(({ ownMs }) => ownMs)),
    peakBytes: familyPeakBytes(pid),
  };
}

function rateOf({ messages, seconds }: JobDone): number {
  return messages / seconds;
}
