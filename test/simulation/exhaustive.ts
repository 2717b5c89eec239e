/**
 * The small case whole: two messages of two recipients each, and every way in which at most a few
 * things go wrong at the points that matter. Nothing is drawn; all else takes no time.
 */
import type { InDoubt } from '../../src/engine/earlier-attempts.ts';
import { EnumeratedChoices } from './choices.ts';
import { domainOf, type OwnRule } from './ends.ts';
import { type Mail, mailOf, queueIdOf } from './mail.ts';
import type { Scenario } from './scenario.ts';
import { run, type RunOptions } from './world.ts';
import { type Fault, only, Weather } from './weather.ts';

export interface SmallCase {
  readonly nextHop: 'smtp' | 'lmtp';
  /** SMTP where it is not said. */
  readonly door: 'smtp' | 'lmtp';
  readonly asks: boolean;
  readonly inDoubt: InDoubt;
  /** Of the recipients of the first message. */
  readonly rules: readonly OwnRule[];
}

const smtp = { nextHop: 'smtp', door: 'smtp' } as const;
const lmtp = { nextHop: 'lmtp', door: 'lmtp' } as const;
const alike = ['none', 'none'] as const;
const mixed = ['pass', 'quarantine', 'reject'] as const;

/** Who is next to the daemon, and what it is told to do. */
export const smallCases: Readonly<Record<string, SmallCase>> = {
  'a next hop that asks': { ...smtp, asks: true, inDoubt: 'retry', rules: alike },
  'a plain next hop, in doubt sent again': {
    ...{ ...smtp, asks: false, inDoubt: 'retry', rules: alike },
  },
  'a plain next hop, in doubt held': { ...smtp, asks: false, inDoubt: 'hold', rules: alike },
  'LMTP on both sides, in doubt sent again': {
    ...{ ...lmtp, asks: false, inDoubt: 'retry', rules: alike },
  },
  'LMTP on both sides, in doubt held': { ...lmtp, asks: false, inDoubt: 'hold', rules: alike },
  'different ends over SMTP': { ...smtp, asks: true, inDoubt: 'retry', rules: mixed },
  'different ends over LMTP': {
    ...{ nextHop: 'smtp', door: 'lmtp', asks: true, inDoubt: 'retry', rules: mixed },
  },
};

/** What may go wrong, at each place where it can. */
export const smallFaults: readonly Fault[] = [
  'crash',
  'crash at a named point',
  'reply lost',
  'reply to the peer lost',
  'rcpt 4xx',
  'rcpt 5xx',
  'dot 4xx',
  'dot 5xx',
  'disk',
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

function scenarioOf(
  { nextHop, door, asks, inDoubt, rules }: SmallCase,
  weather: Weather,
): Scenario {
  return {
    mails: [smallMail(0, rules), smallMail(1, ['none', 'none'])],
    upstream: {
      flavour: door,
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

function smallMail(number: number, rules: readonly OwnRule[]): Mail {
  const recipients = rules.map((rule, at) => {
    const address = `r${at}.m${number}@${domainOf(rule)}`;
    return { address, orcpt: '', rule, state: 'waiting' } as const;
  });
  const banned = rules.some((rule) => rule !== 'none');
  const what = { infected: false, banned, lines: 1 };
  return mailOf({ number, queueId: queueIdOf(number), ...what, recipients });
}
