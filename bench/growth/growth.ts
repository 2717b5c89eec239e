/**
 * The part 'growth': whether a message costs the daemon more as its ledger grows, and as a session
 * does. Both beside the other, in turn: a daemon with an empty ledger, and a new session.
 */
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { type Spread, spreadOf } from '../report/figures.ts';
import { preciseCpuSeconds } from '../stage/process-usage.ts';
import { type Place, type Stage } from '../stage/stage.ts';
import { type GrowthStage, startGrowthStage } from './growth-stage.ts';
import { Sender } from './sender.ts';

export interface GrowthFigures {
  readonly ledger: {
    readonly entries: number;
    readonly growth: Growth;
  };
  readonly session: {
    /** That the long one had had when it was compared for the last time. */
    readonly messages: number;
    readonly growth: Growth;
  };
}

/** CPU milliseconds of the daemon for a message, small and grown, and the one as a multiple of the other. */
export interface Growth {
  readonly small: Spread;
  readonly grown: Spread;
  readonly ratio: Spread;
}

/** A session is long from here on. */
const longShare = 0.5;
const blocks = 10;

export async function measureGrowth(
  stage: Stage,
  options: Options,
  tell: (what: string) => void,
): Promise<GrowthFigures> {
  const { growthEntries: entries, growthMessages: messages } = options;
  tell(`writing a ledger of ${entries} entries`);
  const growing = await startGrowthStage(stage, entries);
  try {
    const ledger = { entries, growth: await ledgerGrowth(stage, growing, options, tell) };
    const session = { messages, growth: await sessionGrowth(growing.empty, messages, tell) };
    return { ledger, session };
  } finally {
    await growing.close();
  }
}

async function ledgerGrowth(
  stage: Stage,
  { empty, full }: GrowthStage,
  { repeats, seconds, steadySeconds }: Options,
  tell: (what: string) => void,
): Promise<Growth> {
  const cost = async ({ target, pids }: Place, forSeconds: number): Promise<number> => {
    const before = preciseCpuSeconds(pids.clamgate ?? 0);
    const job = { target, kind: 'text-4k', sessions: 8, perConnection: 100 } as const;
    const done = await stage.load({ ...job, seconds: forSeconds });
    return ((preciseCpuSeconds(pids.clamgate ?? 0) - before) * 1000) / done.messages;
  };
  tell('warming up: an empty and a full ledger');
  for (const place of [empty, full]) await cost(place, steadySeconds);
  const pairs: Pair[] = [];
  // A cost in CPU time is steadier than a rate, but its differences are small: twice as often.
  const progress = new Progress(2 * repeats, tell);
  while (pairs.length < 2 * repeats) {
    const pair = { small: await cost(empty, seconds), grown: await cost(full, seconds) };
    pairs.push(pair);
    progress.done(`ledger: ${pairText(pair)}`);
  }
  return growthOf(pairs);
}

async function sessionGrowth(
  { target, pids }: Place,
  messages: number,
  tell: (what: string) => void,
): Promise<Growth> {
  const block = messages / blocks;
  const cost = async (sender: Sender): Promise<number> => {
    const before = preciseCpuSeconds(pids.clamgate ?? 0);
    await sender.send(block);
    return ((preciseCpuSeconds(pids.clamgate ?? 0) - before) * 1000) / block;
  };
  const long = await Sender.open(target);
  const pairs: Pair[] = [];
  const progress = new Progress(blocks, tell);
  for (let index = 0; index < blocks; index++) {
    if (index < blocks * longShare) {
      await long.send(block);
      progress.done(`session: ${(index + 1) * block} messages`);
      continue;
    }
    const fresh = await Sender.open(target);
    const pair = { small: await cost(fresh), grown: await cost(long) };
    fresh.close();
    pairs.push(pair);
    progress.done(`session: ${pairText(pair)}`);
  }
  long.close();
  return growthOf(pairs);
}

interface Pair {
  readonly small: number;
  readonly grown: number;
}

function growthOf(pairs: readonly Pair[]): Growth {
  return {
    small: spreadOf(pairs.map(({ small }) => small)),
    grown: spreadOf(pairs.map(({ grown }) => grown)),
    ratio: spreadOf(pairs.map(({ small, grown }) => grown / small)),
  };
}

function pairText({ small, grown }: Pair): string {
  return `${small.toFixed(2)} ms of CPU a message, grown ${grown.toFixed(2)} ms`;
}
