/**
 * `make bench`: how fast clamgate is beside what it stands between and beside other filters, and what it
 * uses. It gives figures; whether they are what is asked for stands in the table "Reach". `--check` alone
 * judges: whether it has become slower.
 */
import { stderr, stdout } from 'node:process';
import { measureBounds } from './bounds/bounds.ts';
import { boundsTableOf } from './bounds/bounds-report.ts';
import { check } from './check/check.ts';
import { measureDoors } from './doors/doors.ts';
import { measureEndpoints } from './endpoints/endpoints.ts';
import { endpointsTableOf } from './endpoints/endpoints-report.ts';
import { measureFootprint } from './footprint/footprint.ts';
import { measureGrowth } from './growth/growth.ts';
import { measureHop } from './hop/one-hop.ts';
import { measureOnce } from './once/once.ts';
import { onceTableOf } from './once/once-report.ts';
import { type Options, optionsOf, type Part, usage } from './options.ts';
import { Results } from './results.ts';
import { type Machine, machine, machineText } from './stage/machine.ts';
import { Stage } from './stage/stage.ts';
import { measureWorkers } from './workers/workers.ts';
import { workersTableOf } from './workers/workers-report.ts';

/** When a run began and on what; each report has it. */
interface Begun {
  readonly time: string;
  readonly machine: Machine;
}

async function bench(options: Options): Promise<Results> {
  const begun: Begun = { time: new Date().toISOString(), machine: machine() };
  tell(machineText(begun.machine));
  const results = new Results(begun, options);
  const { standIn, signatures } = options;
  const stage = await Stage.start(
    { ...options, signatures: standIn ? 'stand-in' : signatures },
    tell,
  );
  try {
    for (const part of options.parts) {
      if (part === 'doors' && !isRoot()) continue;
      tell(`== ${part}`);
      await measurePart(part, { stage, options, begun, results });
    }
  } finally {
    await stage.close();
  }
  return results;
}

/** What is found is stored when its part is over: a long run that ends early was not for nothing. */
async function measurePart(
  part: Part,
  on: { stage: Stage; options: Options; begun: Begun; results: Results },
): Promise<void> {
  const { stage, options, begun, results } = on;
  switch (part) {
    case 'one-hop':
      results.speed({ hop: await measureHop(stage, options, tell) });
      break;
    case 'doors':
      results.speed({ doors: await measureDoors(stage, options, tell) });
      break;
    case 'footprint':
      results.speed({ footprint: await measureFootprint(stage, options, tell) });
      break;
    case 'growth':
      results.speed({ growth: await measureGrowth(stage, options, tell) });
      break;
    case 'once': {
      const found = { ...begun, ...(await measureOnce(stage, options, tell)) };
      results.other(part, found, onceTableOf(found));
      break;
    }
    case 'bounds': {
      const found = { ...begun, ...(await measureBounds(stage, options, tell)) };
      results.other(part, found, boundsTableOf(found));
      break;
    }
    case 'endpoints': {
      const found = { ...begun, ...(await measureEndpoints(stage, options, tell)) };
      results.other(part, found, endpointsTableOf(found));
      break;
    }
    case 'workers': {
      const found = { ...begun, ...(await measureWorkers(stage, options, tell)) };
      results.other(part, found, workersTableOf(found));
      break;
    }
  }
}

/** Postfix gives its rights up by itself. */
function isRoot(): boolean {
  if (process.getuid?.() === 0) return true;
  tell("the part 'doors' needs root and is left out");
  return false;
}

function tell(what: string): void {
  stderr.write(`${what}\n`);
}

async function main(words: readonly string[]): Promise<void> {
  const options = optionsOf(words);
  if (options === undefined) {
    stdout.write(usage);
  } else if (options.check) {
    const { text, passed } = await check(options, tell);
    stdout.write(text);
    if (!passed) process.exitCode = 1;
  } else {
    const results = await bench(options);
    stdout.write(options.json ? results.json() : results.text());
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  tell(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
