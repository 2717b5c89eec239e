/** What is done to clamds, and the mail that comes meanwhile. */
import { gzipSync } from 'node:zlib';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { ask, dial } from '../../src/scan/clamd-socket.ts';
import { scanStream } from '../../src/scan/clamd-stream.ts';
import { oneBlock } from '../../src/scan/stream-blocks.ts';
import type { PrivateClamd } from '../support/private-clamd.ts';
import { renew } from './clamds.ts';
import { untilAllReady, untilDatabase, untilState, untilVersion } from './pool-watch.ts';
import type { Play } from './scenario.ts';

const dialling = { clock: systemClock, connectMs: 60_000 };
const { signal } = new AbortController();
/** Made once: it holds the event loop of the harness, and with it everything that it watches. */
const work = gzipSync(Buffer.alloc(90_000_000));
const mail = { everyMs: 120, infectedEvery: 4 };
const clean = { everyMs: 120 };

interface Turn {
  readonly clamd: PrivateClamd;
  readonly index: number;
  /** 1 for the first, and so on. */
  readonly number: number;
}

/** One clamd after the other, again and again, each when all are ready again. */
export async function inTurn(
  play: Play,
  shortRounds: number,
  longRounds: number,
  fault: (turn: Turn) => Promise<void>,
): Promise<void> {
  const { clamds } = play.stage;
  const turns = (play.short ? shortRounds : longRounds) * clamds.length;
  await untilAllReady(play);
  await play.load.during(async () => {
    for (let number = 1; number <= turns; number++) {
      const index = (number - 1) % clamds.length;
      await fault({ clamd: at(clamds, index), index, number });
      await untilAllReady(play);
      play.tell(`${number} of ${turns}`);
    }
  }, mail);
}

export async function reloadBlocking(play: Play): Promise<void> {
  const clamd = at(play.stage.clamds, 1);
  const reloads = play.short ? 1 : 5;
  await untilAllReady(play);
  await play.load.during(async () => {
    for (let count = 1; count <= reloads; count++) {
      await reload(clamd, 100 + count);
      await untilState(play, 1, 'reloading');
      await untilDatabase(play, 1, 100 + count);
      await untilAllReady(play);
      play.tell(`reload ${count} of ${reloads}`);
    }
  }, mail);
}

export async function fillQueue(play: Play): Promise<void> {
  const clamd = play.stage.clamd;
  const floods = play.short ? 1 : 5;
  await untilAllReady(play);
  await play.load.during(async () => {
    for (let count = 1; count <= floods; count++) {
      let seen = false;
      const lane = async (): Promise<void> => {
        while (!seen) await giveWork(clamd);
      };
      const flood = Promise.all(Array.from({ length: 24 }, lane));
      try {
        await Promise.race([flood, untilState(play, 0, 'busy|reloading')]);
        await delay(3000);
      } finally {
        seen = true;
        await flood;
      }
      await untilAllReady(play);
      play.tell(`flood ${count} of ${floods}`);
    }
  }, mail);
}

export async function lie(play: Play): Promise<void> {
  const { load } = play;
  const clamd = at(play.stage.clamds, 2);
  const times = play.short ? 1 : 5;
  await untilAllReady(play);
  for (let time = 1; time <= times; time++) {
    clamd.knowsEicar(false);
    await load.during(async () => {
      await clamd.stop();
      await untilState(play, 2, 'starting');
      await clamd.restart();
      await untilState(play, 2, 'lying');
      await delay(3000);
      clamd.knowsEicar(true);
      await reload(clamd, 100 + 2 * time);
      await untilAllReady(play);
    }, mail);
    clamd.knowsEicar(false);
    await load.during(async () => {
      await reload(clamd, 101 + 2 * time);
      await untilState(play, 2, 'lying');
    }, clean);
    await load.during(async () => {
      await delay(3000);
      clamd.knowsEicar(true);
      await reload(clamd, 102 + 2 * time);
      await untilAllReady(play);
    }, mail);
    play.tell(`lie ${time} of ${times}`);
  }
}

export async function swapVersions(play: Play): Promise<void> {
  const { clamds } = play.stage;
  const swaps = play.short ? 2 : 15;
  await untilAllReady(play);
  await play.load.during(async () => {
    for (let swap = 1; swap <= swaps; swap++) {
      const numbers = clamds.map((_, index) => 100 + ((index + swap) % clamds.length));
      await Promise.all(clamds.map((clamd, index) => reload(clamd, numbers[index] ?? 0)));
      await Promise.all(numbers.map((number, index) => untilDatabase(play, index, number)));
      play.tell(`swap ${swap} of ${swaps}`);
    }
    await untilAllReady(play);
  }, mail);
}

export async function killAll(play: Play): Promise<void> {
  const { clamds } = play.stage;
  const kills = play.short ? 1 : 5;
  await untilAllReady(play);
  await play.load.during(async () => {
    for (let kill = 1; kill <= kills; kill++) {
      await Promise.all(clamds.map((clamd) => clamd.stop()));
      await delay(10_000);
      await Promise.all(clamds.map((clamd) => clamd.restart()));
      await untilAllReady(play);
      play.tell(`kill ${kill} of ${kills}`);
    }
  }, mail);
}

/** Other filters are seen by it as well, so that clamd itself is asked when it is over. */
export async function reloadOnly({ stage, load, short, tell }: Play): Promise<void> {
  const reloads = short ? 1 : 5;
  await load.during(async () => {
    await delay(2000);
    for (let count = 1; count <= reloads; count++) {
      await reload(stage.clamd, 100 + count);
      await untilVersion(stage.clamd, 100 + count);
      await delay(3000);
      tell(`reload ${count} of ${reloads}`);
    }
  }, mail);
}

export async function reload(clamd: PrivateClamd, database: number): Promise<void> {
  renew(clamd, database);
  await ask(clamd.unix, 'RELOAD', dialling, signal);
}

/** As another client would, with what takes clamd a while to open. */
async function giveWork(clamd: PrivateClamd): Promise<void> {
  const socket = await dial(clamd.unix, dialling, signal);
  const settings = {
    clock: systemClock,
    silenceMs: 120_000,
    streamBytesMax: 25_000_000,
    released: () => undefined,
  };
  await scanStream(socket, { first: oneBlock([work]), rest: undefined }, settings, signal);
}

function at<T>(all: readonly T[], index: number): T {
  const one = all[index];
  if (one === undefined) throw new Error(`there is no clamd ${index}`);
  return one;
}
