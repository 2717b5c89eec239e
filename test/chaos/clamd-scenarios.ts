/** What befalls clamd. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import type { Play, Scenario } from './scenario.ts';

const dialling = { clock: systemClock, connectMs: 1000 };
const signal = new AbortController().signal;

export const clamdScenarios: readonly Scenario[] = [
  {
    name: 'clamd frozen',
    faults: 'SIGSTOP for 20 s; Postfix waits 5 s for the reply; 20 messages',
    settings: { dataDone: '5s', backoff: ['4s', '6s'] },
    promise: 'once',
    run: async ({ stage, load, tell }) => {
      stage.clamd.pause();
      const sent = load.send(20, { sessions: 10 });
      tell('frozen');
      await delay(20_000);
      stage.clamd.resume();
      await sent;
    },
  },
  {
    name: 'scan slower than Postfix waits',
    faults: 'clamd stops for 3 s, again and again; Postfix waits 2 s for the reply',
    settings: { dataDone: '2s' },
    promise: 'once',
    run: pulse,
  },
  {
    name: 'clamd killed',
    faults: 'kill -9 under load, back after 3 s',
    settings: {},
    promise: 'once',
    run: killClamd,
  },
  {
    name: 'clamd reloaded',
    faults: 'RELOAD again and again under load',
    settings: {},
    promise: 'once',
    run: async ({ stage, load, random, short }) => {
      const sent = load.send(short ? 60 : 600, { infectedEvery: 4 });
      for (let reload = 1; reload <= (short ? 5 : 30); reload++) {
        await ask(stage.clamd.unix, 'RELOAD', dialling, signal);
        await delay(random.between(50, 500));
      }
      await sent;
    },
  },
];

async function pulse({ stage, load, short, tell }: Play): Promise<void> {
  const pulses = short ? 3 : 15;
  for (let count = 1; count <= pulses; count++) {
    stage.clamd.pause();
    const sent = load.send(10, { infectedEvery: 5, sessions: 10 });
    await delay(3000);
    stage.clamd.resume();
    await sent;
    await delay(500);
    tell(`pause ${count} of ${pulses}`);
  }
}

async function killClamd({ stage, load, random, short, tell }: Play): Promise<void> {
  const kills = short ? 2 : 20;
  for (let kill = 1; kill <= kills; kill++) {
    const sent = load.send(30, { infectedEvery: 4 });
    await delay(random.between(20, 300));
    await stage.clamd.stop();
    await delay(3000);
    await stage.clamd.restart();
    await sent;
    tell(`kill ${kill} of ${kills}`);
  }
}
