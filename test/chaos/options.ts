/** What can be said to `make chaos`: variables of the environment, as make passes them on. */

/** How clamgate is configured: without a ledger, with one, or with the commit question as well. */
export const ledgerSettings = ['off', 'plain', 'commit'] as const;
export type LedgerSetting = (typeof ledgerSettings)[number];

export interface Options {
  /** Every random choice follows from it. */
  readonly seed: number;
  /** A few minutes instead of an hour. */
  readonly short: boolean;
  /** amavisd-new and clamsmtp as well. */
  readonly peers: boolean;
  readonly ledger: LedgerSetting;
  /** Of clamgate: threads that take messages apart. */
  readonly workers: number;
  /** Only scenarios whose name matches. */
  readonly only: RegExp;
}

export const usage = `make chaos [VARIABLE=value ...]
  SHORT=1                  the short form, of which CI plays the heart
  PEERS=1                  the same with amavisd-new and clamsmtp (Debian packages)
  LEDGER=off|plain|commit  how clamgate is configured (commit)
  WORKERS=NUMBER           of clamgate; half of the messages have something to take apart (1)
  ONLY=REGEXP              only scenarios whose name matches
  SEED=NUMBER              the random choices of an earlier run
`;

/** @throws {Error} what is wrong with them. */
export function optionsOf(env: Readonly<Record<string, string | undefined>>): Options {
  const seed = Number(env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`SEED is no whole number\n${usage}`);
  const ledger = ledgerSettings.find((setting) => setting === (env['LEDGER'] ?? 'commit'));
  if (ledger === undefined)
    throw new Error(`LEDGER is none of ${ledgerSettings.join(', ')}\n${usage}`);
  const workers = Number(env['WORKERS'] ?? 1);
  if (!Number.isSafeInteger(workers) || workers < 1)
    throw new Error(`WORKERS is no number from 1 on\n${usage}`);
  return {
    seed,
    short: env['SHORT'] === '1',
    peers: env['PEERS'] === '1',
    ledger,
    workers,
    only: new RegExp(env['ONLY'] ?? '', 'i'),
  };
}
