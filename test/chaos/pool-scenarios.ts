/**
 * What befalls one of three clamds, or the only one, while mail comes at a steady pace. Each fault
 * lasts until clamgate has seen it, and until it has seen that it is over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClamdSettings } from './clamds.ts';
import {
  fillQueue,
  inTurn,
  killAll,
  lie,
  reload,
  reloadBlocking,
  reloadOnly,
  swapVersions,
} from './pool-faults.ts';
import { untilDatabase, untilState } from './pool-watch.ts';
import type { Scenario } from './scenario.ts';

/** Take a clamd half a second to load, alone on a core. */
const signatures = 200_000;
const usual: ClamdSettings = { signatures, database: 100 };
/** It begins to load when no scan thread has had work for so long, and is silent until it has loaded. */
const blocking: ClamdSettings = {
  ...usual,
  conf: { ConcurrentDatabaseReload: 'no', IdleTimeout: '12' },
};

/** Without its cache: the others' work is the same again and again. */
const narrow: ClamdSettings = {
  ...usual,
  conf: { MaxThreads: '2', MaxQueue: '4', DisableCache: 'yes' },
};

/** Other filters have no pool. */
const lacking = (): undefined => undefined;
const usualThree = { clamds: [usual, usual, usual] };

export const poolScenarios: readonly Scenario[] = [
  {
    name: 'three clamds reloaded in turn',
    faults: 'new signatures and RELOAD for one after the other, which goes on scanning meanwhile',
    settings: usualThree,
    promise: 'once',
    undeferred: true,
    lacking,
    run: (play) =>
      inTurn(play, 1, 5, async ({ clamd, index, number }) => {
        await reload(clamd, 100 + number);
        await untilDatabase(play, index, 100 + number);
      }),
  },
  {
    name: 'one of three clamds reloads and is silent',
    faults: 'the same for one with ConcurrentDatabaseReload no',
    settings: { clamds: [usual, blocking, usual] },
    promise: 'once',
    undeferred: true,
    lacking,
    run: reloadBlocking,
  },
  {
    name: 'one of three clamds killed',
    faults: 'kill -9 of one after the other, back after 3 s',
    settings: usualThree,
    promise: 'once',
    undeferred: true,
    lacking,
    run: (play) =>
      inTurn(play, 1, 5, async ({ clamd, index }) => {
        await clamd.stop();
        await untilState(play, index, 'starting');
        await delay(3000);
        await clamd.restart();
      }),
  },
  {
    name: 'one of three clamds frozen',
    faults: 'SIGSTOP of one after the other, until clamgate has seen it and 5 s longer',
    settings: usualThree,
    promise: 'once',
    undeferred: true,
    lacking,
    run: (play) =>
      inTurn(play, 1, 5, async ({ clamd, index }) => {
        clamd.pause();
        await untilState(play, index, 'reloading');
        await delay(5000);
        clamd.resume();
      }),
  },
  {
    name: 'one of three clamds with its queue full',
    faults: 'MaxThreads 2, MaxQueue 4, and more work of others than that',
    settings: { clamds: [narrow, usual, usual] },
    promise: 'once',
    undeferred: true,
    lacking,
    run: fillQueue,
  },
  {
    name: 'one of three clamds lies',
    faults: 'a database without EICAR, by a restart and by RELOAD (clean mail until it is seen)',
    settings: usualThree,
    promise: 'once',
    undeferred: true,
    lacking,
    run: lie,
  },
  {
    name: 'three clamds swap their versions',
    faults: 'older and newer signatures for each, by RELOAD of all at once',
    settings: usualThree,
    promise: 'once',
    undeferred: true,
    lacking,
    run: swapVersions,
  },
  {
    name: 'all of three clamds killed',
    faults: 'kill -9 of all at once, back after 10 s',
    settings: usualThree,
    promise: 'once',
    lacking,
    run: killAll,
  },
  {
    name: 'the only clamd reloads and is silent',
    faults: 'new signatures and RELOAD, with ConcurrentDatabaseReload no',
    settings: { clamds: [blocking] },
    promise: 'once',
    run: reloadOnly,
  },
];
