/** Waits for what clamgate, or clamd itself, tells of the clamds. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import type { Status } from '../../src/daemon/control-status.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import type { PrivateClamd } from '../support/private-clamd.ts';
import type { Play } from './scenario.ts';

const dialling = { clock: systemClock, connectMs: 60_000 };
const { signal } = new AbortController();

export async function untilAllReady(play: Play): Promise<void> {
  await untilStatus(play, 'all ready', (clamds) => clamds.every(({ state }) => state === 'ready'));
}

/** @param states as they may be, with '|' between them. */
export async function untilState(play: Play, index: number, states: string): Promise<void> {
  await untilStatus(play, `clamd ${index} ${states}`, (clamds) =>
    states.split('|').includes(clamds[index]?.state ?? ''),
  );
}

export async function untilDatabase(play: Play, index: number, database: number): Promise<void> {
  await untilStatus(
    play,
    `clamd ${index} with database ${database}`,
    (clamds) => clamds[index]?.database === database,
  );
}

/** As clamd itself tells. */
export async function untilVersion({ unix }: PrivateClamd, database: number): Promise<void> {
  await until(`database ${database}`, async () => {
    const version = await ask(unix, 'VERSION', dialling, signal).catch(() => '');
    return [version, version.includes(`/${database}/`)];
  });
}

async function untilStatus(
  { stage }: Play,
  what: string,
  holds: (clamds: Status['clamd']) => boolean,
): Promise<void> {
  await until(what, async () => {
    const clamds = (await stage.filter.clamdStatus?.()) ?? [];
    return [clamds.map(({ state, detail }) => `${state} (${detail})`).join(', '), holds(clamds)];
  });
}

/** @throws with what was seen last, when it has not come about in two minutes. */
async function until(what: string, look: () => Promise<[string, boolean]>): Promise<void> {
  const end = performance.now() + 120_000;
  for (;;) {
    const [seen, holds] = await look();
    if (holds) return;
    if (performance.now() > end) throw new Error(`${what} never came about, last: ${seen}`);
    await delay(100);
  }
}
