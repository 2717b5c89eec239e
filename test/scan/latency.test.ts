import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Latency } from '../../src/scan/latency.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('tells percentiles to within a tenth of what was measured', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1 }), (times) => {
      const latency = new Latency(new FakeClock());
      for (const ms of times) latency.observe(ms);
      const sorted = [...times].sort((a, b) => a - b);
      const { count, p50, p95, p99 } = latency.read();
      expect(count).toBe(times.length);
      for (const [share, value] of [
        [0.5, p50],
        [0.95, p95],
        [0.99, p99],
      ] as const) {
        const true_ = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        expect(value).toBeGreaterThan(true_ / 1.1);
        expect(value).toBeLessThan(true_ * 1.1 + 0.01);
      }
    }),
  );
});

it('tells of nothing where nothing was measured', () => {
  expect(new Latency(new FakeClock()).read()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0 });
});

it.each([
  [0, 1],
  [29_999, 1],
  [30_000, 1],
  [60_000, 0],
])('after %d ms and a look in between what was measured counts %d times', (ms, count) => {
  const clock = new FakeClock();
  const latency = new Latency(clock);
  latency.observe(5);
  clock.advance(ms / 2);
  latency.read();
  clock.advance(ms / 2);
  expect(latency.read().count).toBe(count);
});

it('counts what is measured now, however long nobody looked', () => {
  const clock = new FakeClock();
  const latency = new Latency(clock);
  clock.advance(300_000);
  latency.observe(5);
  expect(latency.read().count).toBe(1);
});

it('forgets what is older than a minute, though nobody looked', () => {
  const clock = new FakeClock();
  const latency = new Latency(clock);
  latency.observe(1e12);
  expect(latency.read().count).toBe(1);
  clock.advance(300_000);
  expect(latency.read().count).toBe(0);
});
