/** What the configuration says of the clamds, beside where they are. */
import type { PoolMember } from './clamd-endpoint.ts';
import type { VersionSubjects } from './database-versions.ts';
import { defaultPoolBounds, type PoolBounds, type PoolSettings } from './pool-settings.ts';
import type { StormLevels } from './storm.ts';
import { type ClamdCeilings, strictest } from './clamd-worth.ts';

export interface ClamdSettings extends ClamdCeilings, PoolBounds {}

/** What is known of a clamd, by its address, from its own configuration. */
export interface KnownOfClamd {
  /** Where they are stricter than ours. */
  readonly ceilings: (endpoint: string) => Partial<ClamdCeilings>;
  readonly hasOthers: VersionSubjects['hasOthers'];
}

const MiB = 1024 * 1024;

/** Debian's clamd.conf, which is stricter than ClamAV's own defaults. */
export const defaultClamdSettings: ClamdSettings = {
  streamBytesMax: 25 * MiB,
  fileBytesMax: 25 * MiB,
  scanMsMax: 120_000,
  ...defaultPoolBounds,
};

/** clamd ends a scan at MaxScanTime, but looks at the clock only now and then. */
const silenceBeyondScanMs = 30_000;

export function poolSettingsOf(
  endpoints: readonly PoolMember[],
  clamd: ClamdSettings,
  known?: KnownOfClamd,
  storm?: StormLevels,
): PoolSettings {
  return {
    ...clamd,
    endpoints,
    silenceMs: clamd.scanMsMax + silenceBeyondScanMs,
    hasOthers: known?.hasOthers,
    ceilingsOf: (name) => strictest(clamd, known?.ceilings(name)),
    fileBytesMaxOf: (name) =>
      known?.ceilings(name).fileBytesMax === undefined ? clamd.fileBytesMax : undefined,
    ...(storm && { storm }),
  };
}
