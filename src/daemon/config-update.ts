/** The table [update] of the configuration: how `clamgate update` brings signatures to each clamd. */
import { z } from 'zod';
import { number, setting, text, word } from './config-setting.ts';
import { parseDuration, parseSize } from './config-units.ts';

const second = 1000;
const minute = 60 * second;

const duration = (min = 0) => number('a duration such as "90s" or "15m"', parseDuration, min);
const directory = text('an absolute path', (value) => /^\/[^\0]*$/.test(value));
/** A Unix socket in a directory in it has 107 bytes in all (unix(7)). */
const stateDirectory = text(
  'an absolute path of at most 70 bytes',
  (value) => /^\/[^\0]*$/.test(value) && Buffer.byteLength(value) <= 70,
);
const endpoint = text('an endpoint of [clamd] endpoints', (value) => value !== '');

/** systemd.unit(5): what a unit may be called; never an option of systemctl. */
const unitName = /^[A-Za-z0-9:_.\\][A-Za-z0-9:_.\\@-]{0,250}\.service$/;

const freshclamDefault: readonly string[] = ['/usr/bin/freshclam', '--stdout'];
const none: readonly string[] = [];

export const updateShape = {
  source: word('freshclam', 'delivered', 'none').default('freshclam'),
  freshclam: z
    .array(text('a program and its arguments', (value) => value !== '' && !value.includes('\0')))
    .min(1)
    .default([...freshclamDefault]),
  freshclam_time: duration(second).default(60 * minute),
  database_directory: directory.default('/var/lib/clamav'),
  delivered_directory: directory.optional(),
  order: z.array(endpoint).default([...none]),
  restart: setting(
    'a table of endpoints and units such as { "unix:/run/clamav/clamd.ctl" = "clamav-daemon.service" }',
    unitsOf,
  ).default({}),
  check: word('auto', 'yes', 'no').default('auto'),
  check_time: duration(second).default(15 * minute),
  clamd: directory.default('/usr/sbin/clamd'),
  memory_reserve: number('a size such as "256M", or bytes', parseSize).default(256 * 2 ** 20),
  window: duration().default(0),
  drain_time: duration().default(150 * second),
  ready_time: duration(second).default(15 * minute),
  state_directory: stateDirectory.default('/var/lib/clamgate-update'),
};

export type UpdateTable = z.output<z.ZodObject<typeof updateShape>>;

export interface UpdateConfig {
  /** Where new signatures come from; none: what each clamd has in its directory is loaded anew. */
  readonly source: 'freshclam' | 'delivered' | 'none';
  /** The program and its arguments. */
  readonly freshclam: readonly string[];
  readonly freshclamMsMax: number;
  /** clamd's DatabaseDirectory, on this machine. */
  readonly databaseDirectory: string;
  /** Where somebody else puts signatures for us to take; there with source 'delivered'. */
  readonly deliveredDirectory?: string;
  /** Endpoints that come first; the others follow as [clamd] has them. */
  readonly order: readonly string[];
  /** The units of those that are restarted; all others are told RELOAD. */
  readonly restart: Readonly<Record<string, string>>;
  /** Whether signatures are loaded in a process of their own first; auto: where memory allows it. */
  readonly check: 'auto' | 'yes' | 'no';
  readonly checkMsMax: number;
  /** The program for that. */
  readonly clamd: string;
  /** Memory that stays available beside what a reload takes. */
  readonly memoryReserveBytes: number;
  /** The start is put off by a random time of up to this. */
  readonly windowMs: number;
  /** How long a drained clamd may take to end what it has. */
  readonly drainMsMax: number;
  /** How long a clamd may take to load. */
  readonly readyMsMax: number;
  /** For the lock, and what a run works on. */
  readonly stateDirectory: string;
}

export function updateOf(table: UpdateTable): UpdateConfig {
  const delivered = table.delivered_directory;
  return {
    source: table.source,
    freshclam: table.freshclam,
    freshclamMsMax: table.freshclam_time,
    databaseDirectory: table.database_directory,
    ...(delivered !== undefined && { deliveredDirectory: delivered }),
    order: table.order,
    restart: table.restart,
    check: table.check,
    checkMsMax: table.check_time,
    clamd: table.clamd,
    memoryReserveBytes: table.memory_reserve,
    windowMs: table.window,
    drainMsMax: table.drain_time,
    readyMsMax: table.ready_time,
    stateDirectory: table.state_directory,
  };
}

interface Unsound {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What no single key shows. */
export function updateProblems(update: UpdateConfig, endpoints: readonly string[]): Unsound[] {
  const problems: Unsound[] = [];
  const say = (path: readonly (string | number)[], message: string): void => {
    problems.push({ path: ['update', ...path], message });
  };
  const unknown = (name: string): boolean => !endpoints.includes(name);
  const mustBe = (name: string): string => `"${name}" is not one of [clamd] endpoints`;
  update.order.forEach((name, at) => {
    if (unknown(name)) say(['order', at], mustBe(name));
    else if (update.order.indexOf(name) < at) say(['order', at], `"${name}" is named twice`);
  });
  for (const name of Object.keys(update.restart)) if (unknown(name)) say(['restart'], mustBe(name));
  const { source, deliveredDirectory, databaseDirectory } = update;
  if (source === 'delivered' && deliveredDirectory === undefined) {
    say(['source'], '"delivered" needs delivered_directory, where signatures are taken from');
  }
  if (deliveredDirectory === databaseDirectory) {
    say(['delivered_directory'], "must be another than database_directory, clamd's own");
  }
  return problems;
}

function unitsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value as Record<string, unknown>);
  const units = entries.flatMap(([name, unit]) =>
    typeof unit === 'string' && unitName.test(unit) ? [[name, unit] as const] : [],
  );
  return units.length === entries.length ? Object.fromEntries(units) : undefined;
}
