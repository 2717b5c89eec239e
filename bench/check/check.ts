/**
 * `--check`: whether a message costs the daemon more CPU time than it did. The same small texts go through
 * floor.ts and through clamgate, in turn, so many each time; with a stand-in for clamd, whose work is not
 * what is judged.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { missing } from '../../test/support/programs.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { spread } from '../report/table.ts';
import { preciseCpuSeconds } from '../stage/process-usage.ts';
import { Stage } from '../stage/stage.ts';
import { judge, type Judged, type StoredRatio, tolerance, withStored } from './judgement.ts';

const file = join(import.meta.dirname, '../results/check.json');
const rounds = 30;
/** Who is slower is looked at again: a busy machine is not slow all the time. */
const looksMax = 2;
/** Counted and not timed: what a message costs depends on how many there were before. */
const messages = { before: 2000, each: 120 } as const;
const secondsMax = 120;

export interface Checked {
  readonly text: string;
  readonly passed: boolean;
}

export async function check(
  { store, json, profileDirectory }: Options,
  tell: (what: string) => void,
): Promise<Checked> {
  const absent = missing(['smtp-sink']);
  if (absent.length > 0) {
    // Nothing goes unjudged unseen where it has to be judged.
    return { text: `not judged: ${absent.join()} is not here\n`, passed: !('CI' in env) };
  }
  const cpu = cpus()[0]?.model ?? 'unknown';
  const all = read();
  const stage = await Stage.start({ signatures: 'stand-in', profileDirectory }, tell);
  try {
    tell('warming up');
    for (const name of ['floor', 'clamgate'] as const) await costOf(stage, name, messages.before);
    let judged = judge(await ratioOf(stage, tell), all, cpu);
    for (let look = 1; judged.verdict === 'slower' && look < looksMax && !store; look++) {
      tell(`${textOf(judged)}: once more`);
      judged = judge(await ratioOf(stage, tell), all, cpu);
    }
    if (store) write(withStored(all, storedOf(judged.measured, cpu)));
    const text = json ? JSON.stringify(judged, null, 2) : `${cpu}: ${textOf(judged)}`;
    return { text: `${text}\n`, passed: judged.verdict !== 'slower' || store };
  } finally {
    await stage.close();
  }
}

async function ratioOf(stage: Stage, tell: (what: string) => void): Promise<Spread> {
  const ratios: number[] = [];
  const progress = new Progress(rounds, tell);
  while (ratios.length < rounds) {
    const floor = await costOf(stage, 'floor', messages.each);
    const clamgate = await costOf(stage, 'clamgate', messages.each);
    ratios.push(clamgate / floor);
    const [least, ours] = [floor, clamgate].map((cost) => (cost * 1000).toFixed(2));
    progress.done(`CPU for a message: floor.ts ${least ?? ''} ms, clamgate ${ours ?? ''} ms`);
  }
  return spreadOf(ratios);
}

/** CPU seconds for a message. */
async function costOf(stage: Stage, name: 'floor' | 'clamgate', count: number): Promise<number> {
  const begun = preciseCpuSeconds(stage.pids[name]);
  const { target } = stage.places[name];
  const job = { target, kind: 'text-4k', sessions: 8, perConnection: 100 } as const;
  const done = await stage.load({ ...job, seconds: secondsMax, messages: count });
  return (preciseCpuSeconds(stage.pids[name]) - begun) / done.messages;
}

function storedOf({ median }: Spread, cpu: string): StoredRatio {
  return { cpu, time: new Date().toISOString(), ratio: Number(median.toFixed(2)) };
}

function read(): readonly StoredRatio[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StoredRatio[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function write(all: readonly StoredRatio[]): void {
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
}

function textOf({ measured, stored, verdict }: Judged): string {
  const now = `a 4 KiB text costs ${spread(measured, 2)} times the CPU of floor.ts`;
  if (stored === undefined) return `${now}; ${verdict}, for nothing is stored for this processor`;
  return `${now}, stored are ${stored}, at most ${(stored * tolerance).toFixed(2)}: ${verdict}`;
}
