/** Pools for tests: with the defaults where nothing else is said, and clamds that are ready. */
import { systemClock, type Clock } from '../../src/clock.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import { ClamdPool } from '../../src/scan/clamd-pool.ts';
import { defaultClamdSettings, poolSettingsOf } from '../../src/scan/clamd-settings.ts';
import type { EndpointStatus } from '../../src/scan/endpoint-status.ts';
import type { PoolEvent, PoolSettings } from '../../src/scan/pool-settings.ts';

export interface TestPool {
  readonly clock?: Clock;
  readonly settings?: Partial<PoolSettings>;
  readonly observe?: (event: PoolEvent) => void;
}

export function settingsFor(
  endpoints: readonly ClamdAddress[],
  settings: Partial<PoolSettings> = {},
): PoolSettings {
  const members = endpoints.map((address) => ({ address, weight: 1 }));
  return { ...poolSettingsOf(members, defaultClamdSettings), ...settings };
}

/** Nobody has looked at its clamds yet. */
export function newPool(endpoints: readonly ClamdAddress[], test: TestPool = {}): ClamdPool {
  const { clock = systemClock, settings, observe } = test;
  const surroundings = { clock, random: () => 0.5, ...(observe && { observe }) };
  return new ClamdPool(settingsFor(endpoints, settings), surroundings);
}

/** Each was looked at once. */
export async function readyPool(
  endpoints: readonly ClamdAddress[],
  test: TestPool = {},
): Promise<ClamdPool> {
  const pool = newPool(endpoints, test);
  await pool.look();
  return pool;
}

/** What is told of a clamd that is well. */
export function aStatus(change: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    endpoint: 'unix:/a',
    ok: true,
    detail: 'ClamAV 1.4.6/27000/Thu Nov 20 08:50:33 2025',
    state: 'ready',
    since: 0,
    inflight: 2,
    limit: 8,
    draining: false,
    engine: '1.4.6',
    database: 27000,
    databaseDate: 1_763_628_633_000,
    limitAlerts: 'on',
    ...change,
  };
}

/** What is told of a pool that has little to do. */
export const someLoad: ClamdPool['load'] = {
  inflight: 2,
  waiting: 1,
  longestWaitMs: 500,
  latency: { count: 4, p50: 10, p95: 20, p99: 30 },
  storm: { on: false, detail: '', pressure: { memory: 1.5 } },
  skewed: false,
};
