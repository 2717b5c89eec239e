/**
 * Runs many seeds: `SEEDS=10000 node test/simulation/soak.ts`, or one of them with its trace:
 * `SEED=4711 node test/simulation/soak.ts`. DEVIATIONS=2 goes through the small cases instead, whole.
 */
import process, { env, stdout } from 'node:process';
import { explore, smallCases } from './exhaustive.ts';
import { type Result, runSeed } from './world.ts';

/** Failures that are told of one by one. */
const toldMax = 10;

async function soak(first: number, count: number): Promise<number> {
  const began = performance.now();
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSeed(seed);
    if (result.broken.length > 0 && ++failed <= toldMax) tell(seed, result);
    if ((seed - first + 1) % 1000 === 0) progress(seed - first + 1, count, failed, began);
  }
  stdout.write(`${count - failed} passed, ${failed} failed\n`);
  return failed;
}

function progress(done: number, count: number, failed: number, began: number): void {
  const rate = Math.round((done * 1000) / (performance.now() - began));
  stdout.write(`${done} of ${count} seeds, ${failed} failed, ${rate} a second\n`);
}

async function replay(seed: number): Promise<number> {
  const result = await runSeed(seed, { recording: true });
  stdout.write(`${result.trace.lines.join('\n')}\n\n`);
  tell(seed, result);
  return result.broken.length;
}

function tell(seed: number, { broken, steps }: Result): void {
  stdout.write(`SEED=${seed} (${steps} events) ${broken.length === 0 ? 'holds' : 'FAILS'}\n`);
  for (const { violation, text } of broken) stdout.write(`  ${violation}: ${text}\n`);
}

async function wholeSmallCases(deviations: number): Promise<number> {
  let failed = 0;
  for (const [name, one] of Object.entries(smallCases)) {
    const explored = await explore(one, { deviations });
    failed += explored.failed;
    stdout.write(`${name}: ${explored.runs - explored.failed} passed, ${explored.failed} failed\n`);
    for (const line of explored.first ?? []) stdout.write(`  ${line}\n`);
  }
  return failed;
}

function chosen(): Promise<number> {
  const { SEED, SEEDS = '10000', FIRST = '1', DEVIATIONS } = env;
  if (SEED !== undefined) return replay(Number(SEED));
  if (DEVIATIONS !== undefined) return wholeSmallCases(Number(DEVIATIONS));
  return soak(Number(FIRST), Number(SEEDS));
}

process.exitCode = (await chosen()) > 0 ? 1 : 0;
