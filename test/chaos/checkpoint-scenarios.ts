/** Death at each named point of the protocol: of the filter, of B's smtpd, of the whole Postfix B. */
import { setTimeout as delay } from 'node:timers/promises';
import { missingInBuild } from './clamgate-filter.ts';
import { type Checkpoint, checkpoints, type KillAt } from './filter.ts';
import type { LedgerSetting } from './options.ts';
import { groupOf, killAll, letTimePassForUnfinished, startAgain } from './postfix-faults.ts';
import type { Play, Scenario } from './scenario.ts';

type Victim = 'filter' | 'smtpd of the next hop' | 'next hop';

interface Death {
  readonly victim: Victim;
  readonly backAfterMs: number;
}

/** Shorter than Postfix's first retry, and longer than several. */
const quickMs = 200;
const slowMs = 9000;

/** The message that is struck: others have gone before, and others follow. */
const nth = 3;
const messages = 8;
const patienceMs = 15_000;

const quickDeath: Death = { victim: 'filter', backAfterMs: quickMs };
const deaths: readonly Death[] = [
  quickDeath,
  { victim: 'filter', backAfterMs: slowMs },
  { victim: 'smtpd of the next hop', backAfterMs: 0 },
  { victim: 'next hop', backAfterMs: quickMs },
  { victim: 'next hop', backAfterMs: slowMs },
];

/** What a message passes only with a ledger, and only with the commit question. */
const withLedger: readonly Checkpoint[] = ['before-ledger', 'sending', 'delivered'];
const withQuestion: readonly Checkpoint[] = ['asked', 'prepared', 'allowed'];

const inTurn: Scenario = {
  name: 'death at every point in turn: filter',
  faults: 'kill -9 of the filter at each named point, back after 0.2 s',
  settings: {},
  promise: 'once-if-asked',
  lacking: () => missingInBuild('checkpoints'),
  run: async (play) => {
    const { ledger, witness } = play.stage.filter;
    const setting = witness ? 'commit' : ledger ? 'plain' : 'off';
    for (const point of checkpoints) {
      play.tell(point);
      if (lacking(point, setting) === undefined) await strike(play, point, quickDeath);
    }
  },
};

const each = deaths.flatMap((death) =>
  [true, false].flatMap((chrooted) =>
    checkpoints.map((point): Scenario => {
      const { victim, backAfterMs } = death;
      const back = backAfterMs === 0 ? '' : `, back after ${backAfterMs / 1000} s`;
      return {
        name: `death at '${point}': ${victim}${back}${chrooted ? '' : ', smtpd not chrooted'}`,
        faults: `kill -9 of the ${victim} when the third message comes there${back}`,
        settings: { chrooted },
        promise: 'once-if-asked',
        lacking: (ledger) => lacking(point, ledger),
        longOnly: true,
        run: (play) => strike(play, point, death),
      };
    }),
  ),
);

export const checkpointScenarios: readonly Scenario[] = [inTurn, ...each];

function lacking(point: Checkpoint, ledger: LedgerSetting): string | undefined {
  if (ledger === 'off' && withLedger.includes(point)) return 'no ledger';
  if (ledger !== 'commit' && withQuestion.includes(point)) return 'no commit question';
  return missingInBuild('checkpoints');
}

async function strike(
  { stage, load }: Play,
  point: Checkpoint,
  { victim, backAfterMs }: Death,
): Promise<void> {
  await stage.filter.kill();
  await stage.filter.start({ point, nth, victim: target(stage, victim) });
  // A sender before the queue waits for the filter to come back.
  const sent = load.send(messages);
  await struck(stage, point);
  await delay(backAfterMs);
  if (victim === 'filter') await stage.filter.start();
  if (victim === 'next hop') {
    // What of it has survived, such as a process that was being made.
    await killAll(stage.b);
    letTimePassForUnfinished(stage.b);
    await startAgain(stage.b);
  }
  await sent;
}

function target(stage: Play['stage'], victim: Victim): KillAt['victim'] {
  if (victim === 'filter') return victim;
  const group = groupOf(stage.b);
  return victim === 'next hop' ? { group } : { group, only: 'smtpd' };
}

async function struck({ filter }: Play['stage'], point: Checkpoint): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!filter.struck()) {
    if (performance.now() > end) throw new Error(`the filter never came to '${point}'`);
    await delay(20);
  }
}
