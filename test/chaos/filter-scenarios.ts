/** What befalls the filter itself. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Play, Scenario } from './scenario.ts';

/** The slow restart. */
const absenceMs = 3000;

export const filterScenarios: readonly Scenario[] = [
  {
    name: 'filter killed',
    faults: 'kill -9 at random times under load, back at once or after 3 s',
    settings: {},
    promise: 'once-if-asked',
    run: killAtRandom,
  },
  {
    name: 'disk full',
    faults: 'the disk of spool, ledger and quarantine is full for 6 s',
    settings: { disk: '8M' },
    promise: 'once',
    run: fillDisk,
  },
];

async function killAtRandom({ stage, load, random, short, tell }: Play): Promise<void> {
  const [kills, each] = short ? [10, 20] : [200, 25];
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(each, { infectedEvery: 10 });
    await delay(random.between(20, 600));
    await stage.filter.kill();
    if (random.chance(0.3)) await delay(absenceMs);
    await stage.filter.start();
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}

async function fillDisk({ stage, load, short }: Play): Promise<void> {
  const each = short ? 20 : 100;
  await load.send(each, { infectedEvery: 4 });
  stage.disk?.fill();
  const sent = load.send(each, { infectedEvery: 4 });
  await delay(6000);
  stage.disk?.free();
  await sent;
  await load.send(each, { infectedEvery: 4 });
}
