/**
 * Every key of the configuration file: what it may hold, what it becomes, and its default. Rules
 * between keys are in config-ladder.ts and config-warnings.ts.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { z } from 'zod';
import { defaultBeforeQueueLimits, defaultLimits, type Limits } from '../limits.ts';
import { parseClamdAddress } from '../scan/clamd-address.ts';
import { defaultPoolBounds } from '../scan/pool-settings.ts';
import { defaultStormLevels } from '../scan/storm.ts';
import { defaultRules, type Action } from '../verdict/rules.ts';
import { parseSocketAddress } from '../socket-address.ts';
import { bannedShape } from './config-banned.ts';
import { listenerShape, listenerTable } from './config-listener-schema.ts';
import { parseLocalAddress } from './config-address.ts';
import { number, setting, text, word } from './config-setting.ts';
import { updateShape } from './config-update.ts';
import { parseCount, parseDuration, parseMilliseconds, parseSize } from './config-units.ts';

const count = (min?: number) => number('a whole number', parseCount, min);
const size = (min?: number) => number('a size such as "25M", or bytes', parseSize, min);
const milliseconds = (min?: number) =>
  number('a duration such as "120s", or milliseconds', parseMilliseconds, min);
const duration = (min?: number) => number('a duration such as "12h" or "30d"', parseDuration, min);
const flag = setting('true or false', (value) => (typeof value === 'boolean' ? value : undefined));
const directory = text('an absolute path', (value) => /^\/[^\0]*$/.test(value));
const action = word<Action>('pass', 'tag', 'quarantine', 'reject', 'discard', 'defer');
const localAddress = text(
  '"unix:/path" or a port of this machine alone such as "127.0.0.1:8025"',
  (value) => parseLocalAddress(value) !== undefined,
);

const MiB = 2 ** 20;
const second = 1000;
const day = 24 * 60 * 60 * second;

const clamd = {
  endpoints: z
    .array(text('unix:/path or tcp://host:port', (value) => parseClamdAddress(value).ok))
    .min(1)
    .default(['unix:/run/clamav/clamd.ctl']),
  weights: z.array(count(1)).default([]),
  inflight_max: count(1).default(defaultPoolBounds.inflightMax),
  stream_max_length: size(1).default(25 * MiB),
  max_file_size: size(1).default(25 * MiB),
  max_scan_time: milliseconds(1).default(120 * second),
  wait_max: milliseconds().default(defaultPoolBounds.waitMs),
  canary_every: duration(second).default(defaultPoolBounds.canaryEveryMs),
  signatures_max_age: duration(second).default(defaultPoolBounds.signatureAgeMsMax),
};

const perCent = setting('a number from 0 to 100', (value) => {
  const parsed = parseCount(value);
  return parsed !== undefined && parsed <= 100 ? parsed : undefined;
});

const storm = {
  waiting: count().default(defaultStormLevels.waiting),
  wait: milliseconds().default(defaultStormLevels.waitMs),
  latency: milliseconds().default(defaultStormLevels.latencyMs),
  memory: perCent.default(defaultStormLevels.memory),
  io: perCent.default(defaultStormLevels.io),
  cpu: perCent.default(defaultStormLevels.cpu),
};

/** An entry takes about 250 bytes. */
const cacheEntriesMax = 1_000_000;

const cache = {
  enabled: flag.default(true),
  max_entries: setting(`a whole number from 1 to ${cacheEntriesMax}`, (value) => {
    const entries = parseCount(value);
    return entries !== undefined && entries >= 1 && entries <= cacheEntriesMax
      ? entries
      : undefined;
  }).default(20_000),
  max_age: duration(1).default(600 * second),
};

const rules = {
  infected: action.default(defaultRules.infected),
  oversize: action.default(defaultRules.oversize),
  limits: action.default(defaultRules.limits),
  partial: action.default(defaultRules.partial),
  limits_silent: action.default(defaultRules['limits-silent']),
  ambiguous: action.default(defaultRules.ambiguous),
  old_signatures: word('pass', 'defer').default(defaultRules['old-signatures']),
  encrypted: action.default(defaultRules.encrypted),
  banned: action.default(defaultRules.banned),
  macro: action.default(defaultRules.macro),
  smuggling: action.default(defaultRules.smuggling),
  unscannable: word('quarantine', 'defer').default(defaultRules.unscannable),
  bare_cr: word('pass', 'refuse', 'space').default('pass'),
};

/** The smallest value with which each ceiling leaves a daemon that can work at all. */
const limitMinima: Limits = {
  commandBytesMax: 512, // RFC 5321 §4.5.3.1.4
  sessionCommandsMax: 10,
  sessionErrorsMax: 1,
  recipientsMax: 1,
  headerBytesMax: 1024,
  messageBytesMax: 64 * 1024, // RFC 5321 §4.5.3.1.7
  sessionsMax: 1,
  sessionsWaitingMax: 0,
  transactionsMax: 1,
  transactionsWaitingMax: 0,
  transactionWaitMs: 0,
  sessionIdleMs: second,
  sessionTurnMs: second,
  deadlineMs: second,
  scanMs: second,
  spoolMemoryBytes: 0,
  partsMax: 1,
  partDepthMax: 1,
  readingsMax: 1,
  brokenScansMax: 1,
  nextHopReplyMs: second,
  nextHopDotMs: second,
  drainMs: 0,
};

export const limitNames = Object.keys(limitMinima) as readonly (keyof Limits)[];

/** deadlineMs → deadline_ms. */
export function limitKey(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

function limit(name: keyof Limits) {
  const min = limitMinima[name];
  const plain = name.endsWith('Ms')
    ? milliseconds(min)
    : /Bytes/.test(name)
      ? size(min)
      : count(min);
  return plain.default(defaultLimits[name]);
}

const limits = Object.fromEntries(limitNames.map((name) => [limitKey(name), limit(name)]));

const before = defaultBeforeQueueLimits;

const beforeQueue = {
  transaction_wait_ms: milliseconds(0).default(before.transactionWaitMs),
  next_hop_reply_ms: milliseconds(second).default(before.nextHopReplyMs),
  deadline_ms: milliseconds(second).default(before.deadlineMs),
  next_hop_dot_ms: milliseconds(second).default(before.nextHopDotMs),
};

function isHostName(value: string): boolean {
  return /^(?=.{1,253}$)[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(value) && isIP(value) === 0;
}

const hostName = text('the full name of this machine', isHostName);

/** In EHLO a label of up to 63 characters and a dot stand before it, 253 in all (RFC 1035 §2.3.4). */
const suffixMax = 253 - 64;

/** Each takes some 25 MiB; four are busy when the daemon's own thread is (bench/results/workers.md). */
const workersMax = 16;

const workers = setting(`a whole number from 1 to ${workersMax}`, (value) => {
  const count = parseCount(value);
  return count !== undefined && count >= 1 && count <= workersMax ? count : undefined;
});

/** The keys of each table, '' being what stands above all tables. */
export const shapes = {
  '': { hostname: hostName.default(() => hostname()), workers: workers.default(1) },
  listener: listenerShape,
  clamd,
  storm,
  cache,
  rules,
  banned: bannedShape,
  header: {
    virus_scanned: flag.default(true),
    text: text('one line of plain ASCII text', (value) =>
      /^[!-~]([ -~]{0,198}[!-~])?$/.test(value),
    ).default('clamgate'),
  },
  spool: { directory: directory.default('/var/lib/clamgate/spool') },
  quarantine: {
    directory: directory.default('/var/lib/clamgate/quarantine'),
    max_age: duration(1).default(30 * day),
    max_size: size(1).default(1024 * MiB),
    notice_to: text('a mail address', (value) =>
      /^[^\s<>\0-\x1f\x7f]+@[^\s<>@\0-\x1f\x7f]+$/.test(value),
    ).optional(),
  },
  limits,
  before_queue: beforeQueue,
  log: {
    format: word('json', 'text').default('json'),
    level: word('error', 'warn', 'info', 'debug').default('info'),
  },
  control: { address: localAddress.default('unix:/run/clamgate/control.sock') },
  ledger: {
    enabled: flag.default(true),
    file: directory.default('/var/lib/clamgate/ledger.db'),
    retention: duration(1).default(7 * day),
    max_size: size(MiB).default(1024 * MiB),
    in_doubt: word('retry', 'hold').default('retry'),
  },
  commit: {
    address: localAddress.optional(),
    name: text(
      'a host name of at most 189 characters',
      (value) => value.length <= suffixMax && isHostName(value),
    ).optional(),
    witness: text(
      '"unix:/path"',
      (value) => value.startsWith('unix:') && parseSocketAddress(value).ok,
    ).default('unix:/run/clamgate/witness.sock'),
  },
  update: updateShape,
};

function noListener({ input }: { readonly input?: unknown }): string {
  return input === undefined
    ? 'is missing: without a listener there is nothing to do; clamgate.example.toml shows one'
    : 'must be a table with two brackets, [[listener]]';
}

function noTables(): string {
  return 'must be tables with two brackets, [[banned]]';
}

export const configSchema = z.strictObject({
  ...shapes[''],
  listener: z.array(listenerTable, { error: noListener }).min(1),
  clamd: z.strictObject(shapes.clamd).prefault({}),
  storm: z.strictObject(shapes.storm).prefault({}),
  cache: z.strictObject(shapes.cache).prefault({}),
  rules: z.strictObject(shapes.rules).prefault({}),
  banned: z.array(z.strictObject(shapes.banned), { error: noTables }).default([]),
  header: z.strictObject(shapes.header).prefault({}),
  spool: z.strictObject(shapes.spool).prefault({}),
  quarantine: z.strictObject(shapes.quarantine).prefault({}),
  limits: z.strictObject(shapes.limits).prefault({}),
  before_queue: z.strictObject(shapes.before_queue).prefault({}),
  log: z.strictObject(shapes.log).prefault({}),
  control: z.strictObject(shapes.control).prefault({}),
  ledger: z.strictObject(shapes.ledger).prefault({}),
  commit: z.strictObject(shapes.commit).prefault({}),
  update: z.strictObject(shapes.update).prefault({}),
});

/** The file's content as validated, still under the file's names. */
export type ConfigFile = z.output<typeof configSchema>;
