/** The scanner and the pool that a configuration describes, in the daemon and in `clamgate scan`. */
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { ApartWorkers } from '../scan/apart-workers.ts';
import { parseClamdAddress, type ClamdAddress } from '../scan/clamd-address.ts';
import type { PoolMember } from '../scan/clamd-endpoint.ts';
import type { ClamdPool } from '../scan/clamd-pool.ts';
import {
  type ClamdSettings,
  defaultClamdSettings,
  type KnownOfClamd,
  poolSettingsOf,
} from '../scan/clamd-settings.ts';
import { MessageScan } from '../scan/message-scan.ts';
import type { PoolSettings } from '../scan/pool-settings.ts';
import { stopsMalware } from '../verdict/verdict.ts';
import { clamdConfFacts } from './config-clamd-conf.ts';
import type { Config } from './config.ts';
import { hasForeignSignatures } from './foreign-signatures.ts';

/** What outlives a configuration. */
export interface ScannerParts {
  readonly clock: Clock;
  readonly pool: ClamdPool;
  /** Undefined where messages are taken apart in the daemon's own thread. */
  readonly workers: ApartWorkers | undefined;
}

/** The scanner of the daemon. */
export function scannerOf(config: Config, { clock, pool, workers }: ScannerParts): MessageScan {
  const { limits, banned, cache } = config;
  // The pool takes over its own from this configuration only when all of that is there.
  const endpoints = membersOf(config).map(({ address }) => address);
  const settings = { limits, banned, cache, clamd: settingsOf(config) };
  const stops = stopsMalware(config.rules);
  return new MessageScan({ clock, pool, workers, endpoints, ...settings, stopsMalware: stops });
}

/** What the configuration says of the pool. */
export function poolSettings(config: Config): PoolSettings {
  const { endpoints } = config.clamd;
  return poolSettingsOf(membersOf(config), settingsOf(config), knownOf(endpoints), config.storm);
}

/**
 * A scanner to explain a message: parts are scanned although malware was found already, nothing is
 * kept, for an explanation is of what clamd says now, and a clamd that is not there is not waited for.
 */
export function explainerOf(config: Config, clock: Clock): MessageScan {
  const { limits, banned, clamd } = config;
  const known = knownOf(clamd.endpoints);
  const settings = { ...settingsOf(config), waitMs: explainerWaitMs };
  return new MessageScan({
    endpoints: membersOf(config).map(({ address }) => address),
    clock,
    limits,
    banned,
    known,
    clamd: settings,
    everyPart: true,
  });
}

/** Somebody sits before the screen. */
const explainerWaitMs = 5000;

function settingsOf({ clamd }: Config): ClamdSettings {
  return {
    ...defaultClamdSettings,
    inflightMax: clamd.inflightMax,
    streamBytesMax: clamd.streamMaxLengthBytes,
    fileBytesMax: clamd.maxFileSizeBytes,
    scanMsMax: clamd.maxScanTimeMs,
    waitMs: clamd.waitMs,
    canaryEveryMs: clamd.canaryEveryMs,
    signatureAgeMsMax: clamd.signatureAgeMsMax,
  };
}

function membersOf({ clamd }: Config): PoolMember[] {
  return clamd.endpoints.map((name, at) => ({
    address: endpoint(name),
    weight: clamd.weights[at] ?? 1,
  }));
}

/** As each clamd.conf was when we read ours. */
function knownOf(endpoints: readonly string[]): KnownOfClamd {
  const facts = new Map(endpoints.map((name) => [name, clamdConfFacts(name)]));
  return {
    ceilings: (name) => facts.get(name)?.ceilings ?? {},
    hasOthers: async (name) => {
      const directory = facts.get(name)?.databaseDirectory;
      return directory === undefined ? undefined : hasForeignSignatures(directory);
    },
  };
}

function endpoint(text: string): ClamdAddress {
  const parsed = parseClamdAddress(text);
  assert(parsed.ok, 'the configuration has been checked');
  return parsed.address;
}
