/** Plays one scenario with one filter, and judges what came of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Bystander } from './bystander.ts';
import { type Delays, delaysOf } from './delays.ts';
import type { FilterName } from './filter.ts';
import { Load } from './load.ts';
import type { ChaosMessage } from './message.ts';
import type { Options } from './options.ts';
import { Random, seedFor } from './random.ts';
import { mayComeTwice, type Scenario } from './scenario.ts';
import { Stage } from './stage.ts';
import { type Fates, type Tally, tallyOf } from './tally.ts';

export type Result = {
  readonly scenario: Scenario;
  readonly filter: FilterName;
} & (
  | { readonly kind: 'left-out'; readonly why: string }
  /** The harness itself could not go on. */
  | { readonly kind: 'failed'; readonly why: string }
  | {
      readonly kind: 'played';
      readonly tally: Tally;
      /** Of the other client of the re-injection port. */
      readonly bystander: Tally;
      readonly delays: Delays;
      /** How often Postfix A was told, or found, that it has to try again: whether the faults were felt. */
      readonly deferrals: number;
      readonly seconds: number;
      /** Which promises were broken; nothing is promised for other filters. */
      readonly broken: readonly string[];
    }
);

/** After the last fault, for everything to arrive. */
const settleSeconds = 120;
/** After the last fault, for the other client: that it, too, gets through again. */
const bystanderMs = 2000;

export async function play(
  scenario: Scenario,
  filter: FilterName,
  options: Options,
  tell: (progress: string) => void,
): Promise<Result> {
  const what = { scenario, filter };
  const why = filter === 'clamgate' ? scenario.lacking?.(options.ledger) : leftOut(scenario);
  if (why !== undefined) return { ...what, kind: 'left-out', why };
  const closing: (() => Promise<void>)[] = [];
  const started = performance.now();
  try {
    const { settings } = scenario;
    const { ledger, workers } = options;
    const stage = await Stage.start({ filter, settings, ledger, workers }, closing);
    const tallies = await act(stage, scenario, options, tell);
    const deferrals = (await stage.deferrals()) + tallies.retries;
    const broken =
      filter === 'clamgate' ? brokenPromises(scenario, { ...tallies, deferrals }, options) : [];
    if (broken.length > 0) tell(`the logs are in ${await stage.saveLogs(scenario.name)}`);
    const seconds = (performance.now() - started) / 1000;
    return { ...what, kind: 'played', ...tallies, deferrals, seconds, broken };
  } catch (error) {
    return { ...what, kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const close of closing) await close();
  }
}

function leftOut({ lacking }: Scenario): string | undefined {
  return lacking === undefined ? undefined : 'needs what only clamgate has';
}

async function act(
  stage: Stage,
  scenario: Scenario,
  { seed, short }: Options,
  tell: (progress: string) => void,
): Promise<{ tally: Tally; bystander: Tally; delays: Delays; retries: number }> {
  const random = new Random(seedFor(seed, scenario.name));
  const load = new Load(stage.a.submitPort, 'load', scenario.settings.door !== undefined);
  const bystander = new Bystander(stage.b.reinjectPort, 'load');
  bystander.start();
  try {
    await scenario.run({ stage, load, random, short, tell });
    await delay(bystanderMs);
  } catch (error) {
    bystander.giveUp();
    throw error;
  } finally {
    await bystander.stop();
  }
  tell('waiting until all has arrived');
  await stage.settled(settleSeconds);
  const fates = withRefused(await stage.fates(), load.refused);
  return {
    retries: load.retries,
    tally: tallyOf([...load.accepted, ...load.refused], fates, stage.filter.discards),
    bystander: tallyOf(bystander.accepted, fates, false),
    delays: delaysOf(load.accepted, fates.arrivals),
  };
}

/** What the sender was refused he still has: stopped where that was right. */
function withRefused(fates: Fates, refused: readonly ChaosMessage[]): Fates {
  const idsOf = (infected: boolean): string[] =>
    refused.filter((message) => message.infected === infected).map(({ id }) => id);
  return {
    ...fates,
    kept: [...fates.kept, ...idsOf(true)],
    bounced: [...fates.bounced, ...idsOf(false)],
  };
}

function brokenPromises(
  { promise, bypass, undeferred }: Scenario,
  { tally, bystander, deferrals }: { tally: Tally; bystander: Tally; deferrals: number },
  { ledger }: Options,
): readonly string[] {
  const twice = { nothing: tally.twice, listed: tally.twice - tally.listed, anything: 0 };
  const counts: readonly (readonly [number, string])[] = [
    [tally.lost, 'lost'],
    [twice[mayComeTwice(promise, ledger)], 'twice'],
    [bypass === true ? 0 : tally.unscanned, 'infected, delivered'],
    [tally.bounced, 'bounced'],
    [tally.queued, 'still queued'],
    [undeferred === true ? deferrals : 0, 'put off'],
    [bystander.lost + bystander.queued, "of the other client's lost"],
    // Its messages are queued anew as well, by hand.
    [promise === 'never-lost' ? 0 : bystander.twice, "of the other client's twice"],
  ];
  const broken = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const { suspects } = tally;
  return broken.length > 0 && suspects.length > 0
    ? [...broken, `see ${suspects.slice(0, 5).join(', ')}`]
    : broken;
}
