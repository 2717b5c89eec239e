/** Whether several clamds do more than one: the same load through daemons with one, two and three. */
import type { Kind } from '../load/content.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import {
  type ClamdKind,
  clamdKinds,
  type EndpointsStage,
  startEndpointsStage,
} from './endpoints-stage.ts';
import type { JobDone } from '../load/load.ts';
import type { Options } from '../options.ts';
import { cpuSeconds } from '../stage/process-usage.ts';
import type { Stage } from '../stage/stage.ts';

export interface EndpointsFigures {
  readonly repeats: number;
  readonly seconds: number;
  readonly sessions: number;
  /** What a stream takes in a clamd that is elsewhere, in milliseconds. */
  readonly takesMs: number;
  readonly rows: readonly EndpointsRow[];
}

export interface EndpointsRow {
  readonly clamds: ClamdKind;
  readonly count: number;
  /** Messages a second. */
  readonly rate: Spread;
  /** That rate as a share of the one with the fewest clamds, measured just before. */
  readonly gain: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Cores that the daemon had, of those that are there. */
  readonly daemonCores: Spread;
}

interface Measured extends JobDone {
  readonly clamds: ClamdKind;
  readonly count: number;
  readonly repeat: number;
  readonly daemonCores: number;
}

const kind: Kind = 'text-4k';
const perConnection = 100;
/** What clamd takes for a message that it has to think about, and a network. */
const takesMs = 50;

export async function measureEndpoints(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<EndpointsFigures> {
  const { repeats, seconds, signatures, endpoints, endpointsSessions: sessions } = options;
  tell(`clamds, ${endpoints.join(' and ')} of them: starting`);
  const several = await startEndpointsStage(stage, { endpoints, signatures, takesMs });
  try {
    const cells = clamdKinds.flatMap((clamds) => endpoints.map((count) => ({ clamds, count })));
    for (const cell of cells) await load(stage, several, cell, options.steadySeconds / 4);
    const all: Measured[] = [];
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const cell of cells) all.push({ ...(await measured(cell)), repeat });
      tell(`clamds: ${repeat} of ${repeats}`);
    }
    return { repeats, seconds, sessions, takesMs, rows: cells.map((cell) => rowOf(cell, all)) };
  } finally {
    await several.close();
  }

  async function measured(cell: Cell): Promise<Omit<Measured, 'repeat'>> {
    await load(stage, several, cell, options.warmUpSeconds);
    const pid = several.place(cell.clamds, cell.count).pids.clamgate ?? 0;
    const before = cpuSeconds(pid);
    const done = await load(stage, several, cell, seconds);
    return { ...cell, ...done, daemonCores: (cpuSeconds(pid) - before) / done.seconds };
  }

  function load(on: Stage, at: EndpointsStage, cell: Cell, forSeconds: number): Promise<JobDone> {
    const { target } = at.place(cell.clamds, cell.count);
    return on.load({ target, kind, sessions, seconds: forSeconds, perConnection });
  }
}

type Cell = Pick<EndpointsRow, 'clamds' | 'count'>;

function rowOf({ clamds, count }: Cell, all: readonly Measured[]): EndpointsRow {
  const own = all.filter((one) => one.clamds === clamds && one.count === count);
  const gains = own.map((one) => {
    const first = all.find(
      ({ clamds: kinds, repeat }) => kinds === clamds && repeat === one.repeat,
    );
    return rateOf(one) / rateOf(first ?? one);
  });
  return {
    ...{ clamds, count },
    rate: spreadOf(own.map(rateOf)),
    gain: spreadOf(gains),
    p50Ms: spreadOf(own.map(({ latencyMs }) => latencyMs.p50)),
    p99Ms: spreadOf(own.map(({ latencyMs }) => latencyMs.p99)),
    daemonCores: spreadOf(own.map(({ daemonCores }) => daemonCores)),
  };
}

function rateOf({ messages, seconds }: JobDone): number {
  return messages / seconds;
}
