import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import type { Timer } from '../../src/clock.ts';
import { DatabaseVersions } from '../../src/scan/database-versions.ts';
import { EndpointWatch, watchMs } from '../../src/scan/endpoint-watch.ts';
import { type LimitAlerts, limitAlertsOf, limitsCanary } from '../../src/scan/limits-canary.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';

const speaks = 'stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0';
let clamd: FakeClamd;
let clock: WatchClock;
let versions: DatabaseVersions;
let watch: EndpointWatch;
let told: string[];

/** Counts the looks that are over: then the next one is set. */
class WatchClock extends FakeClock {
  looks = 0;

  override after(ms: number, act: () => void): Timer {
    if (ms === watchMs) this.looks++;
    return super.after(ms, act);
  }
}

beforeEach(async () => {
  clamd = await FakeClamd.start();
  clamd.ofCanary = speaks;
  clock = new WatchClock();
  const common = { endpoints: [clamd.address], clock, connectMs: 5000 };
  versions = new DatabaseVersions(common);
  watch = new EndpointWatch({ ...common, versions, silenceMs: 30_000, streamBytesMax: 1e6 });
  told = [];
});

afterEach(async () => {
  watch.close();
  await clamd.stop();
  expect(clock.pending).toBe(0);
});

const alerts = (): LimitAlerts => watch.alerts(clamd.address.name);

describe('the canary', () => {
  it('is gzip in gzip, deeper than any clamd goes, and small', () => {
    let bytes = limitsCanary();
    expect(bytes.length).toBeLessThan(4096);
    let depth = 0;
    for (; bytes.readUInt16BE(0) === 0x1f8b; depth++) bytes = gunzipSync(bytes);
    expect(depth).toBe(101);
  });

  it.each<[Parameters<typeof limitAlertsOf>[0], LimitAlerts]>([
    [{ kind: 'ok' }, 'silent'],
    [{ kind: 'found', signature: 'Heuristics.Limits.Exceeded.MaxRecursion' }, 'on'],
    [{ kind: 'found', signature: 'Win.Test' }, 'unknown'],
    [{ kind: 'failed' }, 'unknown'],
    [{ kind: 'size-limit' }, 'unknown'],
  ])('answered %j: %s', (reply, expected) => {
    expect(limitAlertsOf(reply)).toBe(expected);
  });
});

describe('a clamd that is watched', () => {
  it.each<[string, LimitAlerts]>([
    [speaks, 'on'],
    ['stream: OK\0', 'silent'],
    ['stream: x ERROR\0', 'unknown'],
  ])('says %j of the canary: %s', async (words, expected) => {
    clamd.ofCanary = words;
    expect(alerts()).toBe('unknown');
    await watch.look();
    expect(alerts()).toBe(expected);
  });

  it('is not asked again while its version stays', async () => {
    await watch.look();
    const before = clamd.connections;
    await watch.look();
    expect(clamd.connections - before).toBe(1);
    expect(alerts()).toBe('on');
  });

  it.each<[string, () => void]>([
    ['its version moved', () => (clamd.version = 'ClamAV 1.4.6/27001/Fri Nov 21 2025')],
    ['its engine moved', () => (clamd.version = 'ClamAV 1.4.7/27000/Thu Nov 20 2025')],
    ['it does not answer', () => (clamd.version = undefined)],
  ])('is not known any more once %s', async (_, move) => {
    await watch.look();
    move();
    await versions.since(versions.mark());
    expect(alerts()).toBe('unknown');
  });

  it('is asked again when it was away, for it may be another one now', async () => {
    await watch.look();
    const { version } = clamd;
    clamd.version = undefined;
    await watch.look();
    clamd.version = version;
    clamd.ofCanary = 'stream: OK\0';
    await watch.look();
    expect(alerts()).toBe('silent');
  });

  it('is looked at again and again, and each change told once', async () => {
    watch.start((_, now) => told.push(now));
    await until(() => clock.looks === 1, 'the first look');
    for (const [version, words] of [
      ['ClamAV 1.4.6/27000/Thu Nov 20 2025', speaks],
      ['ClamAV 1.4.6/27001/Thu Nov 20 2025', 'stream: OK\0'],
      ['ClamAV 1.4.6/27002/Thu Nov 20 2025', 'stream: OK\0'],
    ] as const) {
      Object.assign(clamd, { version, ofCanary: words });
      const { looks } = clock;
      clock.advance(watchMs);
      await until(() => clock.looks > looks, 'the next look');
    }
    expect(told).toEqual(['on', 'silent']);
  });
});
