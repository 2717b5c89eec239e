/** What is told of a clamd to whoever asks how it is. */
import type { Clock } from '../clock.ts';
import { parseVersion } from '../protocol/clamd/version.ts';
import type { ClamdEndpoint } from './clamd-endpoint.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { KnownLimits } from './known-limits.ts';
import type { LimitAlerts } from './limits-canary.ts';

export interface EndpointStatus {
  readonly endpoint: string;
  /** Whether it is ready, draining or not. */
  readonly ok: boolean;
  /** clamd's version with its database's number and date, or what went wrong. */
  readonly detail: string;
  readonly state: EndpointState;
  /** When it came into this state; milliseconds since the epoch, as are all times here. */
  readonly since: number;
  /** Streams that it works on. */
  readonly inflight: number;
  /** How many it may be given now. */
  readonly limit: number;
  /** It is given nothing new, because an operator said so. */
  readonly draining: boolean;
  /** When that ends by itself. */
  readonly drainedUntil?: number;
  /** The last that is known of what it has: '1.4.6', 27000, and when that was made. */
  readonly engine?: string;
  readonly database?: number;
  readonly databaseDate?: number;
  /** Whether it tells of its limits (AlertExceedsMax). */
  readonly limitAlerts: LimitAlerts;
  /** The largest file that it looks at, in bytes, where that was found out. */
  readonly fileBytesMax?: number;
}

export interface Known extends KnownLimits {
  readonly version: string | undefined;
}

export function statusOf(
  endpoint: ClamdEndpoint,
  { version, alerts, fileBytesMax = Infinity }: Known,
  clock: Clock,
): EndpointStatus {
  const { health, drainedUntil } = endpoint;
  const { engine, database, made } = (version && parseVersion(version)) || {};
  const since1970 = clock.now() - clock.monotonic();
  return {
    endpoint: endpoint.address.name,
    ok: health.state === 'ready',
    detail: health.detail,
    state: health.state,
    since: since1970 + health.since,
    inflight: endpoint.inflight,
    limit: endpoint.limit.value,
    draining: drainedUntil !== undefined,
    ...(drainedUntil !== undefined && { drainedUntil: since1970 + drainedUntil }),
    ...(engine !== undefined && { engine }),
    ...(database !== undefined && { database }),
    ...(made !== undefined && { databaseDate: made }),
    limitAlerts: alerts,
    ...(fileBytesMax < Infinity && { fileBytesMax }),
  };
}
