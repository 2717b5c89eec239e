/** The part 'doors': messages a second through Postfix with each filter, and policy requests. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DoorsStage, startDoorsStage, type Way, ways } from './doors-stage.ts';
import type { Options } from '../options.ts';
import { cpuSeconds } from '../stage/process-usage.ts';
import type { Stage } from '../stage/stage.ts';

const run = promisify(execFile);

export interface DoorMeasurement {
  readonly way: Way;
  readonly repeat: number;
  /** Until the last message has left the queue. */
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export interface PolicyMeasurement {
  readonly connections: number;
  readonly repeat: number;
  readonly perSecond: number;
  /** For a second of the daemon's CPU time: what one core could answer. */
  readonly perCpuSecond: number;
}

export interface DoorFigures {
  readonly doors: readonly DoorMeasurement[];
  readonly policy: readonly PolicyMeasurement[];
  readonly options: {
    readonly repeats: number;
    readonly seconds: number;
    readonly sessions: number;
  };
}

const sessions = 8;
const policyConnections = [1, 100];
const drainedWithinSeconds = 120;

export async function measureDoors(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<DoorFigures> {
  const stageOfDoors = await startDoorsStage(stage);
  const { doorsRepeats: repeats, seconds } = options;
  const doors: DoorMeasurement[] = [];
  const policy: PolicyMeasurement[] = [];
  try {
    const here = ways.filter((way) => stageOfDoors.ports.has(way));
    for (const way of here.filter((one) => one.startsWith('clamgate'))) {
      tell(`warming up: ${way}`);
      await through(stage, stageOfDoors, way, options.steadySeconds / 4);
    }
    tell('warming up: policy');
    await askPolicy(stageOfDoors, 100, options.steadySeconds / 4);
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const way of here) {
        const seen = await through(stage, stageOfDoors, way, seconds);
        doors.push({ way, repeat, ...seen });
        tell(`repeat ${repeat} of ${repeats}: ${way}: ${seen.perSecond.toFixed(0)} messages/s`);
      }
      for (const connections of policyConnections) {
        const seen = await askPolicy(stageOfDoors, connections, seconds);
        policy.push({ connections, repeat, ...seen });
        tell(`repeat ${repeat} of ${repeats}: policy: ${seen.perSecond.toFixed(0)} requests/s`);
      }
    }
  } finally {
    await stageOfDoors.close();
  }
  return { doors, policy, options: { repeats, seconds, sessions } };
}

async function through(
  stage: Stage,
  { ports, postfix }: DoorsStage,
  way: Way,
  seconds: number,
): Promise<Pick<DoorMeasurement, 'perSecond' | 'p50' | 'p99'>> {
  const target = { protocol: 'smtp', port: ports.get(way) ?? 0 } as const;
  const begun = performance.now();
  const job = { target, kind: 'text-4k', sessions, seconds, perConnection: 1 } as const;
  const { messages, latencyMs } = await stage.load(job);
  await drained(postfix);
  const lasted = (performance.now() - begun) / 1000;
  return { perSecond: messages / lasted, p50: latencyMs.p50, p99: latencyMs.p99 };
}

async function drained(postfix: DoorsStage['postfix']): Promise<void> {
  const end = performance.now() + drainedWithinSeconds * 1000;
  while (!(await postfix.queueIsEmpty())) {
    if (performance.now() > end) throw new Error('the queue does not become empty');
    await delay(20);
  }
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
