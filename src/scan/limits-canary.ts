/**
 * Finds out whether a clamd says when it reaches one of its limits (AlertExceedsMax), or calls clean
 * what it did not look at: it is given an archive that is nested deeper than any clamd goes.
 */
import { gzipSync } from 'node:zlib';
import type { CancelSignal } from '../cancel-signal.ts';
import { OperationalError } from '../errors.ts';
import type { InstreamReply } from '../protocol/clamd/instream.ts';
import { classify } from '../protocol/clamd/signature.ts';
import { askCanary, type CanarySettings } from './canary.ts';
import type { ClamdAddress } from './clamd-address.ts';

/** Whether clamd tells of its limits; 'unknown' is to be taken for 'silent'. */
export type LimitAlerts = 'on' | 'silent' | 'unknown';

/** clamd.conf(5): MaxRecursion is at most 100; 17 where it is not set, 16 on Debian. */
const levels = 101;

let nested: Buffer | undefined;

/** gzip in gzip, 101 deep, and nothing in the innermost: about 2 KiB, made when first needed. */
export function limitsCanary(): Buffer {
  nested ??= Array.from({ length: levels }).reduce<Buffer>(
    (inner) => gzipSync(inner),
    Buffer.from('limits canary of clamgate\n'),
  );
  return nested;
}

/** What an answer about the canary tells. */
export function limitAlertsOf(reply: InstreamReply): LimitAlerts {
  if (reply.kind === 'ok') return 'silent';
  const isLimit = reply.kind === 'found' && classify(reply.signature) === 'limits-exceeded';
  return isLimit ? 'on' : 'unknown';
}

/** @throws {Cancelled} */
export async function askLimitAlerts(
  address: ClamdAddress,
  settings: CanarySettings,
  signal: CancelSignal,
): Promise<LimitAlerts> {
  try {
    const { reply } = await askCanary(address, { bytes: limitsCanary() }, settings, signal);
    return limitAlertsOf(reply);
  } catch (error) {
    if (error instanceof OperationalError) return 'unknown';
    throw error;
  }
}
