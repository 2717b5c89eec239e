/** What a pool is told: by the configuration, anew at each reload, and by who made it, once. */
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';
import type { PoolMember } from './clamd-endpoint.ts';
import type { ClamdCeilings } from './clamd-worth.ts';
import type { VersionSubjects } from './database-versions.ts';
import type { FileSize } from './known-limits.ts';
import type { EndpointStatus } from './endpoint-status.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { LimitAlerts } from './limits-canary.ts';
import { defaultStormLevels, type StormLevels } from './storm.ts';

/** Every ceiling of the pool, with its unit last. */
export interface PoolBounds {
  /** Streams that one clamd works on at once; stays below its MaxThreads (10; Debian 12). */
  readonly inflightMax: number;
  /** From the first try to connect to the connection. */
  readonly connectMs: number;
  /** For how long a stream waits for a clamd; then it is not scanned. */
  readonly waitMs: number;
  /** Streams that wait for a clamd; one more is not scanned. */
  readonly waitingMax: number;
  /** How long a canary that was right is enough. */
  readonly canaryEveryMs: number;
  /** Older signatures are told of. */
  readonly signatureAgeMsMax: number;
}

const seconds = 1000;
const days = 86_400 * seconds;

export const defaultPoolBounds: PoolBounds = {
  inflightMax: 8,
  connectMs: 5 * seconds,
  waitMs: 240 * seconds,
  waitingMax: 1000,
  canaryEveryMs: 300 * seconds,
  signatureAgeMsMax: 7 * days,
};

export interface PoolSettings extends PoolBounds {
  /** At least one. */
  readonly endpoints: readonly PoolMember[];
  readonly hasOthers?: VersionSubjects['hasOthers'];
  /** By a clamd's address: its own, as far as they are known and stricter than ours, else ours. */
  readonly ceilingsOf: (endpoint: string) => ClamdCeilings;
  /**
   * What a clamd's MaxFileSize is taken for, in bytes; undefined where it is known. Without it that is
   * not looked into.
   */
  readonly fileBytesMaxOf?: (endpoint: string) => number | undefined;
  /** clamd's StreamMaxLength. */
  readonly streamBytesMax: number;
  /** How long clamd may be silent when it is its turn; longer than its MaxScanTime. */
  readonly silenceMs: number;
  readonly storm?: StormLevels;
}

export function stormLevelsOf({ storm }: PoolSettings): StormLevels {
  return storm ?? defaultStormLevels;
}

export interface PoolSurroundings {
  readonly clock: Clock;
  /** From 0 to below 1, by chance. */
  readonly random: () => number;
  readonly observe?: (event: PoolEvent) => void;
  /** Resolves names; the system's resolver without it. */
  readonly lookup?: LookupFunction;
}

/** What an operator may want to know. */
export type PoolEvent =
  /** A clamd is in another state, or was asked for the first time. */
  | {
      readonly kind: 'state';
      readonly endpoint: EndpointStatus;
      readonly was: EndpointState | undefined;
    }
  /** It is known anew whether a clamd tells of its limits. */
  | { readonly kind: 'alerts'; readonly endpoint: string; readonly alerts: LimitAlerts }
  /** It is known anew up to which size a clamd looks at a file. */
  | { readonly kind: 'file-size'; readonly endpoint: string; readonly fileSize: FileSize }
  | { readonly kind: 'draining'; readonly endpoint: string; readonly on: boolean }
  /** The signatures of a clamd are too old, or not any more. */
  | {
      readonly kind: 'old-signatures';
      readonly endpoint: string;
      readonly on: boolean;
      readonly detail: string;
    }
  /** The clamds have had different signatures for long, or have the same again. */
  | { readonly kind: 'skew'; readonly on: boolean; readonly detail: string }
  | { readonly kind: 'storm'; readonly on: boolean; readonly detail: string };
