/** What befalls the witness, alone and together with the filter. */
import { setTimeout as delay } from 'node:timers/promises';
import type { WitnessOfFilter } from './filter.ts';
import type { LedgerSetting } from './options.ts';
import type { Play, Scenario } from './scenario.ts';

const lacking = (ledger: LedgerSetting): string | undefined =>
  ledger === 'commit' ? undefined : 'no commit question';

export const witnessScenarios: readonly Scenario[] = [
  {
    name: 'witness killed',
    faults: 'kill -9 at random times under load, back at once or after 3 s',
    settings: {},
    promise: 'once-if-asked',
    lacking,
    longOnly: true,
    run: killWitness,
  },
  {
    name: 'filter and witness killed',
    faults: 'kill -9 of both at random times under load, back at once or after 3 s',
    settings: {},
    promise: 'once-or-listed',
    lacking,
    longOnly: true,
    run: killBoth,
  },
];

const absenceMs = 3000;

async function killWitness({ stage, load, random, tell }: Play): Promise<void> {
  const kills = 30;
  const witness = witnessOf(stage);
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(25, { infectedEvery: 10 });
    await delay(random.between(20, 400));
    await witness.kill();
    if (random.chance(0.3)) await delay(absenceMs);
    await witness.start();
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}

async function killBoth({ stage, load, random, tell }: Play): Promise<void> {
  const kills = 50;
  const witness = witnessOf(stage);
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(25, { infectedEvery: 10 });
    await delay(random.between(20, 600));
    await Promise.all([stage.filter.kill(), witness.kill()]);
    if (random.chance(0.3)) await delay(absenceMs);
    await Promise.all([stage.filter.start(), witness.start()]);
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}

function witnessOf({ filter }: Play['stage']): WitnessOfFilter {
  if (!filter.witness) throw new Error('there is no witness');
  return filter.witness;
}
