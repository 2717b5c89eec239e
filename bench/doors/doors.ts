/** The part 'doors': messages a second through Postfix with each filter, and policy requests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { measurementText } from '../hop/one-hop.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { type Comparison, comparisonsOf, type Pair } from '../report/comparisons.ts';
import { type Cell, type Figures, figuresOf, type Measurement } from '../report/figures.ts';
import { measure } from '../stage/measure.ts';
import { cpuSeconds } from '../stage/process-usage.ts';
import type { Stage } from '../stage/stage.ts';
import { type DoorsStage, startDoorsStage, type Way, ways } from './doors-stage.ts';

const run = promisify(execFile);

export interface PolicyMeasurement {
  readonly connections: number;
  readonly repeat: number;
  readonly perSecond: number;
  /** For a second of the daemon's CPU time: what one core could answer. */
  readonly perCpuSecond: number;
}

export interface DoorFigures {
  readonly options: { readonly repeats: number; readonly seconds: number };
  readonly figures: readonly Figures[];
  readonly comparisons: readonly Comparison[];
  readonly policy: readonly PolicyMeasurement[];
}

const pairs: readonly Pair[] = [
  ['clamgate, after the queue', 'no filter', 'rate'],
  ['clamgate, after the queue', 'no filter, twice', 'rate'],
  ['no filter, twice', 'no filter', 'rate'],
  ['clamgate, before the queue', 'no filter', 'rate'],
  ['clamgate, Milter', 'no filter', 'rate'],
  ['clamgate, before the queue', 'amavisd-new, before the queue', 'rate'],
  ['clamgate, Milter', 'clamav-milter', 'rate'],
  ['clamgate, Milter', 'rspamd', 'rate'],
  ['amavisd-new, before the queue', 'no filter', 'rate'],
  ['clamav-milter', 'no filter', 'rate'],
  ['rspamd', 'no filter', 'rate'],
];
const policyConnections = [1, 100];

export async function measureDoors(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<DoorFigures> {
  const doors = await startDoorsStage(stage);
  try {
    const here = ways.filter((way) => doors.places.has(way));
    const cells = doorCells(options, here);
    await warmUp(stage, doors, options, tell);
    const measurements: Measurement[] = [];
    const policy: PolicyMeasurement[] = [];
    const { doorsRepeats: repeats, seconds } = options;
    const progress = new Progress(repeats * (cells.length + policyConnections.length), tell);
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const cell of cells) {
        const place = doors.places.get(cell.variant);
        assert(place, cell.variant);
        const measurement = await measure(stage, place, cell, { ...options, repeat });
        measurements.push(measurement);
        progress.done(measurementText(measurement));
      }
      for (const connections of policyConnections) {
        const seen = await askPolicy(doors, connections, seconds);
        policy.push({ connections, repeat, ...seen });
        progress.done(`policy, ${connections} at once: ${seen.perSecond.toFixed(0)} requests/s`);
      }
    }
    return {
      options: { repeats, seconds },
      figures: cells.map((cell) => figuresOf(cell, measurements)),
      comparisons: comparisonsOf(cells, pairs, measurements),
      policy,
    };
  } finally {
    await doors.close();
  }
}

type DoorCell = Cell & { readonly variant: Way };

function doorCells({ doorsKinds, doorsSessions }: Options, here: readonly Way[]): DoorCell[] {
  return doorsKinds.flatMap((kind) =>
    doorsSessions.flatMap((sessions) =>
      here.map((variant) => ({ variant, kind, sessions, perConnection: 1 })),
    ),
  );
}

/** The daemon, whose code Node.js compiles as it runs. */
async function warmUp(
  stage: Stage,
  doors: DoorsStage,
  { steadySeconds }: Options,
  tell: (what: string) => void,
): Promise<void> {
  const seconds = steadySeconds / 2;
  for (const [way, { target, drained }] of doors.places) {
    if (!way.startsWith('clamgate')) continue;
    tell(`warming up: ${way}`);
    await stage.load({ target, kind: 'text-4k', sessions: 8, seconds, perConnection: 1 });
    await drained?.();
  }
  tell('warming up: policy');
  await askPolicy(doors, 100, seconds);
}

async function askPolicy(
  { policySocket, clamgatePid }: DoorsStage,
  connections: number,
  seconds: number,
): Promise<Pick<PolicyMeasurement, 'perSecond' | 'perCpuSecond'>> {
  const program = join(import.meta.dirname, '../load/policy-load.ts');
  const before = cpuSeconds(clamgatePid);
  const args = [program, policySocket, String(connections), String(seconds)];
  const { stdout } = await run(process.execPath, args);
  const answered = Number(stdout);
  const used = cpuSeconds(clamgatePid) - before;
  return { perSecond: answered / seconds, perCpuSecond: answered / used };
}
