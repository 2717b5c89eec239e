/** The scanner that a configuration describes, in the daemon and in `clamgate scan`. */
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import { parseClamdAddress, type ClamdAddress } from '../scan/clamd-address.ts';
import { defaultClamdSettings, type KnownOfClamd, MessageScan } from '../scan/message-scan.ts';
import { clamdConfFacts } from './config-clamd-conf.ts';
import type { Config } from './config.ts';
import { hasForeignSignatures } from './foreign-signatures.ts';

/** @param everyPart to explain a message: parts are scanned although malware was found already. */
export function scannerOf(config: Config, clock: Clock, everyPart = false): MessageScan {
  const { clamd, limits, banned, cache } = config;
  return new MessageScan({
    endpoints: clamd.endpoints.map(endpoint),
    clock,
    limits,
    banned,
    everyPart,
    known: knownOf(clamd.endpoints),
    // An explanation is of what clamd says now.
    cache: everyPart ? undefined : cache,
    clamd: {
      ...defaultClamdSettings,
      inflightMax: clamd.inflightMax,
      streamBytesMax: clamd.streamMaxLengthBytes,
      fileBytesMax: clamd.maxFileSizeBytes,
      scanMsMax: clamd.maxScanTimeMs,
    },
  });
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
