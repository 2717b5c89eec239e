/** The scanner that a configuration describes, in the daemon and in `clamgate scan`. */
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import { parseClamdAddress, type ClamdAddress } from '../scan/clamd-address.ts';
import { defaultClamdSettings, MessageScan } from '../scan/message-scan.ts';
import type { Config } from './config.ts';

/** @param everyPart to explain a message: parts are scanned although malware was found already. */
export function scannerOf(
  { clamd, limits, banned }: Config,
  clock: Clock,
  everyPart = false,
): MessageScan {
  return new MessageScan({
    endpoints: clamd.endpoints.map(endpoint),
    clock,
    limits,
    banned,
    everyPart,
    clamd: {
      ...defaultClamdSettings,
      inflightMax: clamd.inflightMax,
      streamBytesMax: clamd.streamMaxLengthBytes,
      fileBytesMax: clamd.maxFileSizeBytes,
      scanMsMax: clamd.maxScanTimeMs,
    },
  });
}

function endpoint(text: string): ClamdAddress {
  const parsed = parseClamdAddress(text);
  assert(parsed.ok, 'the configuration has been checked');
  return parsed.address;
}
