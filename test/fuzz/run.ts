/**
 * `make fuzz`: a search in each target for SECONDS (60), or in those that match TARGET. SEED makes
 * the same choices again. What reaches new code goes to corpus/, what fails to crashes/.
 *
 *   EXECUTIONS=n     so many inputs a target instead, as CI does: without coverage, nothing is written
 *   MINIMISE=1       afterwards takes out of the corpus what smaller inputs reach as well
 *   REPLAY=file      only this input, in the one TARGET
 *   LIST=1           the names of the targets
 */
import { readFileSync } from 'node:fs';
import process, { env, stdout } from 'node:process';
import { relative } from 'node:path';
import { seedFor } from '../chaos/random.ts';
import { type Failure } from './campaign.ts';
import { corpusOf, crashDirectory, forget, keep, nameOf } from './corpus.ts';
import { hunt } from './hunt.ts';
import type { Target } from './target.ts';
import { targetNamed, targets } from './targets.ts';
import type { Progress } from './worker.ts';

const {
  TARGET = '',
  SECONDS = '60',
  SEED,
  EXECUTIONS,
  MINIMISE,
  REPLAY,
  LIST,
  HANG_MS = '10000',
} = env;
const seed = Number(SEED ?? Date.now() % 1_000_000);
const writes = EXECUTIONS === undefined;
const isTerminal = stdout.isTTY;

function say(text: string): void {
  stdout.write(`${text}\n`);
}

/** @returns how many failures there were. */
async function search({ name }: Target): Promise<number> {
  const began = performance.now();
  const found = { failures: 0, kept: 0, needed: [] as readonly Buffer[] };
  let last: Progress | undefined;
  const line = (): string => lineOf(name, found.kept, last, performance.now() - began);
  await hunt(
    {
      target: name,
      seed: seedFor(seed, name),
      isGuided: writes,
      executionsMax: EXECUTIONS === undefined ? Infinity : Number(EXECUTIONS),
      msMax: writes ? Number(SECONDS) * 1000 : Infinity,
    },
    Number(HANG_MS),
    {
      needed: (inputs) => (found.needed = inputs),
      kept: (input) => {
        found.kept++;
        if (writes) keep(name, input);
      },
      failed: (failure) => {
        found.failures++;
        report(name, failure);
      },
      progress: (progress) => {
        last = progress;
        if (isTerminal) stdout.write(`\r${line()}`);
      },
    },
  );
  say(`${isTerminal ? '\r' : ''}${line()}`);
  if (MINIMISE === '1') minimise(name, found.needed);
  return found.failures;
}

function lineOf(name: string, kept: number, last: Progress | undefined, ms: number): string {
  const { executions = 0, covered = 0, digest = '-' } = last ?? {};
  const rate = Math.round((executions * 1000) / ms);
  const corpus = corpusOf(name).length;
  const reach = `${covered} characters of src/ reached`;
  return `${name.padEnd(16)} ${executions} inputs, ${rate} a second; ${reach}; corpus ${corpus}, ${kept} new; ${digest}`;
}

function report(target: string, { input, text }: Failure): void {
  say(
    `\nFAILED ${target}, ${input.length} bytes: ${JSON.stringify(input.toString('latin1').slice(0, 300))}`,
  );
  say(text.split('\n').slice(0, 30).join('\n'));
  const path = relative('.', keep(target, input, crashDirectory));
  say(`again: make fuzz TARGET=${target} REPLAY=${path}\n`);
}

/** Those that came meanwhile stay: each of them reached something. */
function minimise(target: string, needed: readonly Buffer[]): void {
  const names = new Set(needed.map(nameOf));
  const before = corpusOf(target);
  const dispensable = before.filter(({ name }) => !names.has(name));
  for (const one of dispensable) forget(target, one);
  say(`${target}: ${dispensable.length} of ${before.length} taken out of the corpus`);
}

function replay(file: string): number {
  targetNamed(TARGET).check(readFileSync(file));
  say('holds');
  return 0;
}

async function searchAll(): Promise<number> {
  const chosen = targets.filter(
    ({ name }) => new RegExp(`^(?:${TARGET})$`).test(name) || TARGET === '',
  );
  if (chosen.length === 0) throw new Error(`no target is called ${TARGET}; LIST=1 names them`);
  say(`SEED=${seed}`);
  let failures = 0;
  for (const target of chosen) failures += await search(target);
  say(failures === 0 ? 'nothing failed' : `${failures} failed`);
  return failures;
}

if (LIST === '1') for (const { name } of targets) say(name);
else process.exitCode = (REPLAY === undefined ? await searchAll() : replay(REPLAY)) > 0 ? 1 : 0;
