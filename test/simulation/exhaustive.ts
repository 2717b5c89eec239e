/**
 * The small case whole: two messages of two recipients each, and every way in which at most a few
 * things go wrong at the points that matter. Nothing is drawn; all else takes no time.
 */
import { EnumeratedChoices } from './choices.ts';
import { type Mail, mailOf, queueIdOf } from './mail.ts';
import type { Scenario } from './scenario.ts';
import { run, type RunOptions } from './world.ts';
import { type Fault, only, Weather } from './weather.ts';

/** Who is next to the daemon, and what it is told to do. */
export const smallCases = {
  'a next hop that asks': { nextHop: 'smtp', asks: true, inDoubt: 'retry' },
  'a plain next hop, in doubt sent again': { nextHop: 'smtp', asks: false, inDoubt: 'retry' },
  'a plain next hop, in doubt held': { nextHop: 'smtp', asks: false, inDoubt: 'hold' },
  'LMTP on both sides, in doubt sent again': { nextHop: 'lmtp', asks: false, inDoubt: 'retry' },
  'LMTP on both sides, in doubt held': { nextHop: 'lmtp', asks: false, inDoubt: 'hold' },
} as const;

export type SmallCase = (typeof smallCases)[keyof typeof smallCases];

/** What may go wrong, at each place where it can. */
export const smallFaults: readonly Fault[] = [
  'crash',
  'crash at a named point',
  'reply lost',
  'reply to the peer lost',
  'rcpt 4xx',
  'rcpt 5xx',
  'dot 4xx',
  'ledger',
  'smtpd killed asking',
  'smtpd killed after go',
  'client killed',
];

export interface ExhaustiveOptions extends RunOptions {
  /** How many things go wrong in one run at most. */
  readonly deviations: number;
  readonly faults?: readonly Fault[];
}

export interface Explored {
  readonly runs: number;
  readonly failed: number;
  /** What went wrong in the first run that failed, and what it broke. */
  readonly first?: readonly string[];
}

export async function explore(one: SmallCase, options: ExhaustiveOptions): Promise<Explored> {
  const { faults = smallFaults } = options;
  const choices = new EnumeratedChoices(new Set(faults), options.deviations);
  let runs = 0;
  let failed = 0;
  let first: readonly string[] | undefined;
  do {
    const weather = new Weather(choices, only(faults));
    const { broken } = await run(scenarioOf(one, weather), options);
    runs++;
    if (broken.length === 0) continue;
    failed++;
    const texts = broken.map(({ violation, text }) => `${violation}: ${text}`);
    first ??= [...choices.deviated, ...texts];
  } while (choices.advance());
  return { runs, failed, ...(first && { first }) };
}

function scenarioOf({ nextHop, asks, inDoubt }: SmallCase, weather: Weather): Scenario {
  return {
    mails: [smallMail(0), smallMail(1)],
    upstream: {
      flavour: nextHop,
      recipientLimit: 50,
      pipelining: true,
      xforward: true,
      backoffMs: 600_000,
      patience: { commandMs: 300_000, dataInitMs: 120_000, dataDoneMs: 600_000 },
    },
    nextHopFlavour: nextHop,
    asks,
    once: { ledger: true, commitQuestion: asks, inDoubt },
    infected: 'quarantine',
    weather,
    calmAfterMs: 3_600_000,
  };
}

function smallMail(number: number): Mail {
  const recipients = [0, 1].map((at) => {
    return { address: `r${at}.m${number}@example.org`, orcpt: '', state: 'waiting' } as const;
  });
  return mailOf({ number, queueId: queueIdOf(number), infected: false, lines: 1, recipients });
}
