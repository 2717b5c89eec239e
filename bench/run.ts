/**
 * `make bench`: what clamgate costs beside what it stands between. The same load goes to smtp-sink
 * alone, to clamd alone, and through clamgate with both; measured in turn, again and again, so that
 * what slows the machine down slows all of them. It gives figures and judges nothing.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stderr, stdout } from 'node:process';
import { type Kind, makerOf } from './content.ts';
import {
  type Cell,
  figuresOf,
  type Measurement,
  type ProcessUse,
  ratioOf,
  type Variant,
  variants,
} from './figures.ts';
import type { Job } from './load.ts';
import { machine, machineText } from './machine.ts';
import { type Options, optionsOf, usage } from './options.ts';
import { cpuSeconds, forgetPeak, peakResidentBytes } from './process-usage.ts';
import { type Report, tableOf } from './report.ts';
import { SmtpLoad } from './smtp-load.ts';
import { type ProcessName, Stage } from './stage.ts';

const resultsDirectory = join(import.meta.dirname, 'results');

/** Who is at work in each variant. */
const atWork: Record<Variant, readonly ProcessName[]> = {
  sink: ['sink', 'load'],
  clamd: ['clamd', 'load'],
  clamgate: ['clamgate', 'clamd', 'sink', 'load'],
};

async function bench(options: Options): Promise<Report> {
  const time = new Date().toISOString();
  const where = machine();
  tell(machineText(where));
  const stage = await Stage.start(options, tell);
  try {
    for (const kind of options.kinds) {
      await checkStreams(stage, kind);
      await warmUp(stage, kind, options);
    }
    const { cells, measurements } = await measureAll(stage, options);
    const { repeats, seconds, signatures, perConnection } = options;
    const pairs = cells.filter(({ variant }) => variant === 'clamgate');
    return {
      time,
      machine: where,
      options: { repeats, seconds, signatures, perConnection },
      figures: cells.map((cell) => figuresOf(cell, measurements)),
      ratios: pairs.flatMap((cell) => [
        ratioOf(cell, 'sink', measurements),
        ratioOf(cell, 'clamd', measurements),
      ]),
    };
  } finally {
    await stage.close();
  }
}

async function measureAll(
  stage: Stage,
  options: Options,
): Promise<{ cells: readonly Cell[]; measurements: readonly Measurement[] }> {
  const { kinds, sessions, repeats } = options;
  const cells = kinds.flatMap((kind) =>
    sessions.flatMap((count) => variants.map((variant) => ({ variant, kind, sessions: count }))),
  );
  const measurements: Measurement[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const cell of cells) {
      const measurement = await measure(stage, cell, { ...options, repeat });
      measurements.push(measurement);
      tell(progressOf(measurement, repeats));
    }
  }
  return { cells, measurements };
}

async function measure(
  stage: Stage,
  cell: Cell,
  options: Options & { repeat: number },
): Promise<Measurement> {
  const { repeat, seconds, warmUpSeconds, perConnection } = options;
  const { kind, sessions, variant } = cell;
  const target: Job['target'] =
    variant === 'clamd'
      ? { protocol: 'clamd', path: stage.clamdSocket }
      : { protocol: 'smtp', port: variant === 'sink' ? stage.sinkPort : stage.clamgatePort };
  const job = { target, kind, sessions, perConnection };
  await stage.load({ ...job, seconds: warmUpSeconds });
  const watches = atWork[variant].map((name) => [name, watch(stage.pids[name])] as const);
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

/** Until Node.js has compiled what it runs most: a daemon is measured as it is after its first minute. */
async function warmUp(stage: Stage, kind: Kind, options: Options): Promise<void> {
  const { sessions, perConnection, warmUpSeconds } = options;
  const target = { protocol: 'smtp', port: stage.clamgatePort } as const;
  tell(`warming up: ${kind}`);
  const seconds = 4 * warmUpSeconds;
  await stage.load({ target, kind, sessions: Math.max(...sessions), seconds, perConnection });
}

/** That clamd alone gets what it gets from clamgate is not believed but looked up. */
async function checkStreams({ clamgatePort, daemon }: Stage, kind: Kind): Promise<void> {
  const { message, parts } = makerOf(kind)(0);
  const connection = await SmtpLoad.open(clamgatePort);
  await connection.send(message);
  connection.quit();
  const [record] = await daemon.transactions();
  const scanned = record?.streams.map(({ digest }) => digest);
  const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  assert.deepEqual(scanned, [message, ...parts].map(digestOf), `the streams of ${kind}`);
}

function progressOf({ repeat, kind, sessions, variant, ...done }: Measurement, of: number): string {
  const rate = (done.messages / done.seconds).toFixed(0);
  return `repeat ${repeat} of ${of}: ${kind}, ${sessions} session(s), ${variant}: ${rate} messages/s`;
}

function tell(what: string): void {
  stderr.write(`${what}\n`);
}

function store(report: Report): void {
  mkdirSync(resultsDirectory, { recursive: true });
  writeFileSync(join(resultsDirectory, 'one-hop.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(resultsDirectory, 'one-hop.md'), tableOf(report));
}

async function main(words: readonly string[]): Promise<void> {
  const options = optionsOf(words);
  if (options === undefined) {
    stdout.write(usage);
    return;
  }
  const report = await bench(options);
  if (!options.quick) store(report);
  stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `\n${tableOf(report)}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
