/**
 * `postsuper -r ALL`: an administrator has Postfix queue everything anew. A message that waits behind
 * the filter may come through it a second time, with everything by which a retry is known; taken for
 * one, it would be lost.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { requeueAll } from './postfix-faults.ts';
import type { Play, Scenario } from './scenario.ts';

const places = ['main.cf', 'master.cf'] as const;

/** How long the filter has for them. */
const throughMs = 60_000;

/** Twice, as an administrator does who sees nothing happen. */
const times = 2;

export const requeueScenarios: readonly Scenario[] = places.flatMap((contentFilter) =>
  [true, false].flatMap((header): Scenario[] => [
    {
      name: `requeued before the filter (${contentFilter}, header ${onOff(header)})`,
      faults: 'postsuper -r ALL while the filter is away',
      settings: { contentFilter, header, oneInstance: true },
      promise: 'never-lost',
      // What is queued anew comes from pickup(8), which knows only the content_filter of main.cf.
      ...(contentFilter === 'master.cf' && { bypass: true }),
      // In front of the filter there is no header yet.
      ...(!(header && contentFilter === 'main.cf') && { longOnly: true }),
      run: requeueBefore,
    },
    {
      name: `requeued behind the filter (${contentFilter}, header ${onOff(header)})`,
      faults: 'postsuper -r ALL while the final destination is away',
      settings: { contentFilter, header, oneInstance: true },
      promise: 'never-lost',
      ...(contentFilter === 'master.cf' && { longOnly: true }),
      run: requeueBehind,
    },
  ]),
);

function onOff(header: boolean): string {
  return header ? 'on' : 'off';
}

async function requeueBefore({ stage, load, short }: Play): Promise<void> {
  await stage.filter.kill();
  await load.send(short ? 10 : 50, { infectedEvery: 5 });
  await requeue(stage);
  await stage.filter.start();
}

async function requeueBehind({ stage, load, short }: Play): Promise<void> {
  stage.sinkOpen = false;
  await load.send(short ? 10 : 50, { infectedEvery: 5 });
  await allThrough(stage, load);
  await requeue(stage);
  stage.sinkOpen = true;
}

/** What still waits in front of the filter would be another scenario, and past the filter be led. */
async function allThrough({ a, filter }: Play['stage'], { accepted }: Play['load']): Promise<void> {
  const due = accepted.reduce((sum, { recipients }) => sum + recipients.length, 0);
  const end = performance.now() + throughMs;
  for (;;) {
    const lines = await a.logLines();
    const sent = lines.filter(
      (line) => /status=sent/.test(line) && line.includes(`:${filter.port},`),
    );
    if (sent.length >= due) return;
    if (performance.now() > end)
      throw new Error(`${sent.length} of ${due} have come to the filter`);
    await delay(200);
  }
}

async function requeue(stage: Play['stage']): Promise<void> {
  for (let time = 1; time <= times; time++) {
    await requeueAll(stage.a);
    await delay(2000);
  }
}
