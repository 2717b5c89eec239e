import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isoTime } from '../../src/store/iso-time.ts';

test('is what Date writes, from 1970 to 9999', () => {
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  for (const ms of [0, 999, Date.UTC(2024, 1, 29), Date.UTC(2025, 0, 1) - 1, last]) {
    expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: last }), (ms) => {
      expect(isoTime(ms)).toBe(new Date(ms).toISOString());
    }),
  );
});
