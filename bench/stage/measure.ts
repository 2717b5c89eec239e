/** One measurement: the load, and what the programs at work have used meanwhile. */
import { kindBytes } from '../load/content.ts';
import type { Cell, Measurement, ProcessUse } from '../report/figures.ts';
import { familyCpuSeconds, familyPeakBytes, forgetFamilyPeak } from './family.ts';
import type { Place, Stage } from './stage.ts';

export interface Duration {
  readonly repeat: number;
  /** That the load lasts, and before it one that is not measured. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** No more than that: what is large takes long, and one is as good as many. */
const warmUpBytes = 16 * 1024 * 1024;

export async function measure(
  stage: Stage,
  { target, pids, drained }: Place,
  cell: Cell,
  { repeat, seconds, warmUpSeconds }: Duration,
): Promise<Measurement> {
  const { kind, sessions, perConnection } = cell;
  const job = { target, kind, sessions, perConnection: Math.max(1, perConnection) };
  const few = Math.ceil(warmUpBytes / kindBytes[kind]);
  await stage.load({ ...job, seconds: warmUpSeconds, messages: few });
  await drained?.();
  const watches = Object.entries(pids).map(([name, pid]) => [name, watch(pid)] as const);
  const begun = performance.now();
  const done = await stage.load({ ...job, seconds });
  await drained?.();
  const lasted = drained ? (performance.now() - begun) / 1000 : done.seconds;
  const uses = watches.map(([name, used]) => [name, used(done.messages)] as const);
  return { ...cell, repeat, ...done, seconds: lasted, processes: Object.fromEntries(uses) };
}

/** Begins to watch a program; what it gives tells what the program has used since. */
function watch(pid: number): (messages: number) => ProcessUse {
  forgetFamilyPeak(pid);
  const before = familyCpuSeconds(pid);
  return (messages) => ({
    cpu: ((familyCpuSeconds(pid) - before) * 1000) / messages,
    peakBytes: familyPeakBytes(pid),
  });
}
