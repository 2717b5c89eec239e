/** One measurement: the load, and what the processes at work have used meanwhile. */
import type { Cell, Measurement, ProcessUse } from '../report/figures.ts';
import type { Options } from '../options.ts';
import { cpuSeconds, forgetPeak, peakResidentBytes } from './process-usage.ts';
import type { Place, Stage } from './stage.ts';

export async function measure(
  stage: Stage,
  { target, pids }: Place,
  cell: Cell,
  {
    repeat,
    seconds,
    warmUpSeconds,
  }: Pick<Options, 'seconds' | 'warmUpSeconds'> & { repeat: number },
): Promise<Measurement> {
  const { kind, sessions, perConnection } = cell;
  const job = { target, kind, sessions, perConnection };
  await stage.load({ ...job, seconds: warmUpSeconds });
  const watches = Object.entries(pids).map(([name, pid]) => [name, watch(pid)] as const);
  const done = await stage.load({ ...job, seconds });
  const uses = watches.map(([name, used]) => [name, used(done.messages)] as const);
  return { ...cell, repeat, ...done, processes: Object.fromEntries(uses) };
}

/** Begins to watch a process; what it gives tells what the process has used since. */
function watch(pid: number): (messages: number) => ProcessUse {
  forgetPeak(pid);
  const before = cpuSeconds(pid);
  return (messages) => ({
    cpu: ((cpuSeconds(pid) - before) * 1000) / messages,
    peakBytes: peakResidentBytes(pid),
  });
}
