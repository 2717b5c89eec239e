/**
 * The configuration: read from a TOML file, checked as a whole, in the daemon's own units. What
 * cannot work is an error here; what works and is unwise is said by config-warnings.ts.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, TomlError } from 'smol-toml';
import { messageOf } from '../errors.ts';
import { type BeforeQueueLimits, defaultLimits, type Limits } from '../limits.ts';
import type { InDoubt } from '../engine/earlier-attempts.ts';
import type { BannedRule } from '../verdict/banned.ts';
import type { StormLevels } from '../scan/storm.ts';
import type { CacheSettings } from '../scan/verdict-cache.ts';
import type { Rules } from '../verdict/rules.ts';
import { bannedProblems, bannedRuleOf } from './config-banned.ts';
import { ConfigError } from './config-error.ts';
import { frozen } from './config-frozen.ts';
import { ladderProblems } from './config-ladder.ts';
import { listenerOf } from './config-listener-schema.ts';
import type { ListenerConfig } from './config-listener.ts';
import { locateKeys, type LineOf } from './config-lines.ts';
import { problemAt, problemsOf } from './config-problems.ts';
import { type UpdateConfig, updateOf, updateProblems } from './config-update.ts';
import { configSchema, limitKey, limitNames, type ConfigFile } from './config-schema.ts';

export interface ClamdConfig {
  /** unix:/path or tcp://host:port. */
  readonly endpoints: readonly string[];
  /** How much of the load each gets, in their order; 1 where there is none. */
  readonly weights: readonly number[];
  /** Streams at one endpoint at once; below clamd's MaxThreads. */
  readonly inflightMax: number;
  /** clamd's StreamMaxLength, MaxFileSize and MaxScanTime, as its own configuration has them. */
  readonly streamMaxLengthBytes: number;
  readonly maxFileSizeBytes: number;
  readonly maxScanTimeMs: number;
  /** How long a stream waits for a clamd. */
  readonly waitMs: number;
  readonly canaryEveryMs: number;
  /** Older signatures are told of, and [rules] old_signatures decides. */
  readonly signatureAgeMsMax: number;
}

/** What becomes of a bare CR in the data: left alone, refused (550 5.6.11), or made a space. */
export type BareCr = 'pass' | 'refuse' | 'space';

export interface QuarantineConfig {
  readonly directory: string;
  /** Older entries expire. */
  readonly maxAgeMs: number;
  /** The oldest entries expire when all together are larger. */
  readonly maxBytes: number;
  /** Who gets a short notice of each entry; nobody when absent. */
  readonly noticeTo?: string;
}

export interface LedgerConfig {
  /** Without it every retry is a new message. */
  readonly enabled: boolean;
  readonly file: string;
  readonly retentionMs: number;
  readonly bytesMax: number;
  readonly inDoubt: InDoubt;
}

export interface CommitConfig {
  /** Where the re-injection smtpd asks: unix:/path or a loopback port; nobody asks when absent. */
  readonly address?: string;
  /** What stands behind the label of the attempt in our EHLO to the next hop. */
  readonly name: string;
  /** Where `clamgate witness` listens: unix:/path. */
  readonly witness: string;
}

export interface LogConfig {
  readonly format: 'json' | 'text';
  readonly level: 'error' | 'warn' | 'info' | 'debug';
}

export interface Config {
  /** The file it came from. */
  readonly file: string;
  /** Our name in greetings, EHLO and Received lines. */
  readonly hostname: string;
  /** Threads that take messages apart; 1: that is done in the daemon's own. */
  readonly workers: number;
  readonly listeners: readonly ListenerConfig[];
  readonly clamd: ClamdConfig;
  /** What is too much to do. */
  readonly storm: StormLevels;
  /** What clamd called clean lately; undefined where it is not kept. */
  readonly cache: CacheSettings | undefined;
  readonly rules: Rules;
  /** What may not pass, in the order of the file. */
  readonly banned: readonly BannedRule[];
  readonly bareCr: BareCr;
  /** The X-Virus-Scanned line: whether, and its text. */
  readonly header: { readonly virusScanned: boolean; readonly text: string };
  readonly spool: { readonly directory: string };
  readonly quarantine: QuarantineConfig;
  readonly limits: Limits;
  /** What is lower at listeners before the queue. */
  readonly beforeQueue: BeforeQueueLimits;
  readonly log: LogConfig;
  /** unix:/path or a loopback port. */
  readonly control: { readonly address: string };
  readonly ledger: LedgerConfig;
  readonly commit: CommitConfig;
  readonly update: UpdateConfig;
}

export const defaultConfigFile = '/etc/clamgate/clamgate.toml';

/**
 * The configuration in `file`, else in $CLAMGATE_CONFIG, else in the default place.
 *
 * @throws {ConfigError} naming every problem with its line.
 */
export function loadConfig(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const named = file ?? env['CLAMGATE_CONFIG'];
  const path = named ?? defaultConfigFile;
  try {
    return parseConfig(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(path, [{ key: '', message: unreadable(error, path) }]);
  }
}

/**
 * @param file for error messages.
 * @throws {ConfigError} naming every problem with its line.
 */
export function parseConfig(toml: string, file: string): Config {
  const content = parseToml(toml, file);
  const lineOf = locateKeys(toml);
  const result = configSchema.safeParse(content);
  if (!result.success) throw new ConfigError(file, problemsOf(result.error, lineOf));
  const config = frozen(configOf(result.data, file));
  refuseUnsound(config, lineOf);
  return config;
}

function unreadable(error: unknown, path: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR') return `is a directory; name the file in it: ${path}/clamgate.toml`;
  const why = `cannot be read (${messageOf(error)})`;
  if (code !== 'ENOENT') return why;
  const example = fileURLToPath(new URL('../../clamgate.example.toml', import.meta.url));
  const places = `the file is what -c names, else $CLAMGATE_CONFIG, else ${defaultConfigFile}`;
  return `${why}; ${places}; ${example} is one to copy`;
}

function parseToml(toml: string, file: string): unknown {
  try {
    return parse(toml);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [summary = ''] = error.message.split('\n');
    throw new ConfigError(file, [{ line: error.line, key: '', message: summary }]);
  }
}

function refuseUnsound(config: Config, lineOf: LineOf): void {
  const unsound = [
    ...ladderProblems(config),
    ...bannedProblems(config.banned),
    ...updateProblems(config.update, config.clamd.endpoints),
  ];
  const problems = unsound.map(({ path, message }) => problemAt(path, message, lineOf));
  if (problems.length > 0) throw new ConfigError(config.file, problems);
}

function configOf(content: ConfigFile, file: string): Config {
  const {
    bare_cr: bareCr,
    limits_silent: limitsSilent,
    old_signatures: oldSignatures,
    ...rules
  } = content.rules;
  return {
    file,
    hostname: content.hostname,
    workers: content.workers,
    listeners: content.listener.map(listenerOf),
    clamd: clamdOf(content.clamd),
    storm: stormOf(content.storm),
    cache: cacheOf(content.cache),
    rules: { ...rules, 'limits-silent': limitsSilent, 'old-signatures': oldSignatures },
    banned: content.banned.map((table) => bannedRuleOf(table, content.rules.banned)),
    bareCr,
    header: { virusScanned: content.header.virus_scanned, text: content.header.text },
    spool: content.spool,
    quarantine: quarantineOf(content.quarantine),
    limits: limitsOf(content.limits),
    beforeQueue: beforeQueueOf(content.before_queue),
    log: content.log,
    control: content.control,
    ledger: ledgerOf(content.ledger),
    commit: commitOf(content),
    update: updateOf(content.update),
  };
}

function clamdOf(clamd: ConfigFile['clamd']): ClamdConfig {
  return {
    endpoints: clamd.endpoints,
    weights: clamd.weights,
    inflightMax: clamd.inflight_max,
    streamMaxLengthBytes: clamd.stream_max_length,
    maxFileSizeBytes: clamd.max_file_size,
    maxScanTimeMs: clamd.max_scan_time,
    waitMs: clamd.wait_max,
    canaryEveryMs: clamd.canary_every,
    signatureAgeMsMax: clamd.signatures_max_age,
  };
}

function stormOf({ wait, latency, ...levels }: ConfigFile['storm']): StormLevels {
  return { ...levels, waitMs: wait, latencyMs: latency };
}

function cacheOf(cache: ConfigFile['cache']): CacheSettings | undefined {
  return cache.enabled ? { entriesMax: cache.max_entries, ageMsMax: cache.max_age } : undefined;
}

function quarantineOf(quarantine: ConfigFile['quarantine']): QuarantineConfig {
  return {
    directory: quarantine.directory,
    maxAgeMs: quarantine.max_age,
    maxBytes: quarantine.max_size,
    ...present('noticeTo', quarantine.notice_to),
  };
}

function ledgerOf(ledger: ConfigFile['ledger']): LedgerConfig {
  return {
    enabled: ledger.enabled,
    file: ledger.file,
    retentionMs: ledger.retention,
    bytesMax: ledger.max_size,
    inDoubt: ledger.in_doubt,
  };
}

function commitOf({ commit, hostname }: ConfigFile): CommitConfig {
  return {
    ...present('address', commit.address),
    name: commit.name ?? `clamgate.${hostname}`,
    witness: commit.witness,
  };
}

function limitsOf(limits: ConfigFile['limits']): Limits {
  const result: Record<keyof Limits, number> = { ...defaultLimits };
  for (const name of limitNames) result[name] = limits[limitKey(name)] ?? result[name];
  return result;
}

function beforeQueueOf(limits: ConfigFile['before_queue']): BeforeQueueLimits {
  return {
    transactionWaitMs: limits.transaction_wait_ms,
    nextHopReplyMs: limits.next_hop_reply_ms,
    deadlineMs: limits.deadline_ms,
    nextHopDotMs: limits.next_hop_dot_ms,
  };
}

/** An object with the key only when there is a value (exactOptionalPropertyTypes). */
function present<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}
