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
import { measureBounds } from './bounds/bounds.ts';
import { type BoundsReport, boundsTableOf } from './bounds/bounds-report.ts';
import { type Kind, makerOf } from './load/content.ts';
import {
  type Cell,
  cpuRatioOf,
  figuresOf,
  type Measurement,
  type Variant,
  ratioOf,
  variants,
} from './report/figures.ts';
import { measureDoors } from './doors/doors.ts';
import { type DoorsReport, doorsTableOf } from './doors/doors-report.ts';
import { machine, machineText } from './stage/machine.ts';
import { type Options, optionsOf, type Part, usage } from './options.ts';
import { measure } from './stage/measure.ts';
import { measureEndpoints } from './endpoints/endpoints.ts';
import { type EndpointsReport, endpointsTableOf } from './endpoints/endpoints-report.ts';
import { measureOnce } from './once/once.ts';
import { type OnceReport, onceTableOf } from './once/once-report.ts';
import { type Report, tableOf } from './hop/hop-report.ts';
import { SmtpLoad } from './load/smtp-load.ts';
import { Stage } from './stage/stage.ts';

const resultsDirectory = join(import.meta.dirname, 'results');

async function bench(options: Options): Promise<Results> {
  const time = new Date().toISOString();
  const where = machine();
  tell(machineText(where));
  const stage = await Stage.start(options, tell);
  try {
    const begun = { time, machine: where };
    const has = (part: Part): boolean => options.parts.includes(part);
    return {
      ...(has('one-hop') && { oneHop: { ...begun, ...(await oneHop(stage, options)) } }),
      ...(has('once') && { once: { ...begun, ...(await measureOnce(stage, options, tell)) } }),
      ...(has('bounds') && {
        bounds: { ...begun, ...(await measureBounds(stage, options, tell)) },
      }),
      ...(has('endpoints') && {
        endpoints: { ...begun, ...(await measureEndpoints(stage, options, tell)) },
      }),
      ...(has('doors') &&
        needsRoot() && {
          doors: { ...begun, ...(await measureDoors(stage, options, tell)) },
        }),
    };
  } finally {
    await stage.close();
  }
}

/** Postfix gives its rights up by itself. */
function needsRoot(): boolean {
  if (process.getuid?.() === 0) return true;
  tell("the part 'doors' needs root and is left out");
  return false;
}

interface Results {
  readonly oneHop?: Report;
  readonly once?: OnceReport;
  readonly bounds?: BoundsReport;
  readonly endpoints?: EndpointsReport;
  readonly doors?: DoorsReport;
}

async function oneHop(stage: Stage, options: Options): Promise<Omit<Report, 'time' | 'machine'>> {
  for (const kind of options.kinds) {
    await checkStreams(stage, kind);
    await warmUp(stage, kind, options);
  }
  const { cells, measurements } = await measureAll(stage, options);
  const { repeats, seconds, signatures, steadySeconds } = options;
  const pairs = cells.filter(({ variant }) => variant === 'clamgate');
  return {
    options: { repeats, seconds, signatures, steadySeconds },
    figures: cells.map((cell) => figuresOf(cell, measurements)),
    ratios: pairs.flatMap((cell) => [
      ratioOf(cell, 'sink', measurements),
      ratioOf(cell, 'clamd', measurements),
    ]),
    cpuRatios: pairs
      .flatMap((cell) => [
        cpuRatioOf(cell, 'floor', measurements),
        cpuRatioOf(cell, 'clamd', measurements),
      ])
      .filter(({ against, kind }) => against === 'clamd' || kind === 'text-4k'),
  };
}

async function measureAll(
  stage: Stage,
  options: Options,
): Promise<{ cells: readonly HopCell[]; measurements: readonly Measurement[] }> {
  const { repeats } = options;
  const cells = cellsOf(options);
  const measurements: Measurement[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const cell of cells) {
      const measurement = await measure(stage, stage.places[cell.variant], cell, {
        ...options,
        repeat,
      });
      measurements.push(measurement);
      tell(progressOf(measurement, repeats));
    }
  }
  return { cells, measurements };
}

type HopCell = Cell & { readonly variant: Variant };

/** clamd alone hears nothing of SMTP connections, and the least program takes only small texts. */
function cellsOf({ kinds, sessions, perConnection }: Options): HopCell[] {
  const all = kinds.flatMap((kind) =>
    sessions.flatMap((count) =>
      perConnection.flatMap((messages) =>
        variants.map((variant) => ({ variant, kind, sessions: count, perConnection: messages })),
      ),
    ),
  );
  return all
    .filter((cell) => cell.variant !== 'clamd' || cell.perConnection === perConnection[0])
    .filter(({ variant, kind }) => variant !== 'floor' || kind === 'text-4k');
}

/**
 * A daemon is measured as it is after its first tens of thousands of messages: until then Node.js
 * compiles what runs often, and a message costs up to twice as much.
 */
async function warmUp(stage: Stage, kind: Kind, options: Options): Promise<void> {
  const { steadySeconds: seconds } = options;
  const ports = [stage.clamgatePort, ...(kind === 'text-4k' ? [stage.floorPort] : [])];
  const sessions = Math.max(...options.sessions);
  const perConnection = Math.max(...options.perConnection);
  tell(`warming up: ${kind}`);
  for (const port of ports) {
    const target = { protocol: 'smtp', port } as const;
    await stage.load({ target, kind, sessions, seconds, perConnection });
  }
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

function store(name: string, results: unknown, table: string): void {
  mkdirSync(resultsDirectory, { recursive: true });
  writeFileSync(join(resultsDirectory, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(resultsDirectory, `${name}.md`), table);
}

async function main(words: readonly string[]): Promise<void> {
  const options = optionsOf(words);
  if (options === undefined) {
    stdout.write(usage);
    return;
  }
  const results = await bench(options);
  const { oneHop, once, bounds, endpoints, doors } = results;
  const tables = [
    oneHop ? tableOf(oneHop) : '',
    once ? onceTableOf(once) : '',
    bounds ? boundsTableOf(bounds) : '',
    endpoints ? endpointsTableOf(endpoints) : '',
    doors ? doorsTableOf(doors) : '',
  ] as const;
  if (!options.quick && oneHop) store('one-hop', oneHop, tables[0]);
  if (!options.quick && once) store('once', once, tables[1]);
  if (!options.quick && bounds) store('bounds', bounds, tables[2]);
  if (!options.quick && endpoints) store('endpoints', endpoints, tables[3]);
  if (!options.quick && doors) store('doors', doors, tables[4]);
  const text = options.json ? JSON.stringify(results, null, 2) : `\n${tables.join('\n')}`;
  stdout.write(`${text}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
