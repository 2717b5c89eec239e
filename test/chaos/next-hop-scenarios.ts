/** What befalls the Postfix behind the filter. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  freeze,
  killAll,
  killProcesses,
  letTimePassForUnfinished,
  startAgain,
  thaw,
} from './postfix-faults.ts';
import type { Play, Scenario } from './scenario.ts';

export const nextHopScenarios: readonly Scenario[] = [
  {
    name: 'next hop frozen',
    faults:
      'SIGSTOP of all of Postfix B for 7 s at random times; Postfix A waits 5 s for the reply',
    settings: { dataDone: '5s' },
    promise: 'once-if-asked',
    run: freezeNextHop,
  },
  {
    name: 'smtpd of the next hop killed',
    faults: 'kill -9 of all smtpd processes of Postfix B at random times under load',
    settings: {},
    promise: 'once-if-asked',
    run: killSmtpd,
  },
  {
    name: 'next hop killed',
    faults: 'kill -9 of all of Postfix B at random times under load, back after 1 s',
    settings: {},
    promise: 'once-if-asked',
    run: killNextHop,
  },
];

async function freezeNextHop({ stage, load, random, short, tell }: Play): Promise<void> {
  const times = short ? 2 : 30;
  for (let time = 1; time <= times; time++) {
    const sent = load.send(60, { infectedEvery: 10 });
    await delay(random.between(100, 1000));
    freeze(stage.b);
    await delay(7000);
    thaw(stage.b);
    await sent;
    tell(`freeze ${time} of ${times}`);
  }
}

async function killSmtpd({ stage, load, random, short, tell }: Play): Promise<void> {
  const kills = short ? 5 : 100;
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(20, { infectedEvery: 10 });
    await delay(random.between(20, 400));
    killProcesses(stage.b, 'smtpd');
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}

async function killNextHop({ stage, load, random, short, tell }: Play): Promise<void> {
  const kills = short ? 3 : 50;
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(20, { infectedEvery: 10 });
    await delay(random.between(20, 400));
    await killAll(stage.b);
    await delay(1000);
    letTimePassForUnfinished(stage.b);
    await startAgain(stage.b);
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}
