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
    const { repeats, seconds, signatures, steadySeconds } = options;
    const pairs = cells.filter(({ variant }) => variant === 'clamgate');
    return {
      time,
      machine: where,
      options: { repeats, seconds, signatures, steadySeconds },
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
  const { repeats } = options;
  const cells = cellsOf(options);
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

/** clamd alone hears nothing of SMTP connections: it is measured once for all of them. */
function cellsOf({ kinds, sessions, perConnection }: Options): Cell[] {
  const all = kinds.flatMap((kind) =>
    sessions.flatMap((count) =>
      perConnection.flatMap((messages) =>
        variants.map((variant) => ({ variant, kind, sessions: count, perConnection: messages })),
      ),
    ),
  );
  return all.filter((cell) => cell.variant !== 'clamd' || cell.perConnection === perConnection[0]);
}

async function measure(
  stage: Stage,
  cell: Cell,
  options: Options & { repeat: number },
): Promise<Measurement> {
  const { repeat, seconds, warmUpSeconds } = options;
  const { kind, sessions, variant, perConnection } = cell;
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

/**
 * A daemon is measured as it is after its first tens of thousands of messages: until then Node.js
 * compiles what runs often, and a message costs up to twice as much.
 */
async function warmUp(stage: Stage, kind: Kind, options: Options): Promise<void> {
  const { steadySeconds: seconds } = options;
  const target = { protocol: 'smtp', port: stage.clamgatePort } as const;
  const sessions = Math.max(...options.sessions);
  const perConnection = Math.max(...options.perConnection);
  tell(`warming up: ${kind}`);
  await stage.load({ target, kind, sessions, seconds, perConnection });
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

function progressOf({ repeat, kind, variant, ...done }: Measurement, of: number): string {
  const rate = (done.messages / done.seconds).toFixed(0);
  const load = `${kind}, ${done.sessions} session(s), ${done.perConnection} a connection`;
  return `repeat ${repeat} of ${of}: ${load}, ${variant}: ${rate} messages/s`;
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
