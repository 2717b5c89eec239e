import { describe, expect, it } from '@jest/globals';
import { Admission } from '../../src/engine/admission.ts';

describe('what stands in the way of mail', () => {
  it.each([
    [true, true, 0, undefined],
    [true, true, 9, undefined],
    [true, true, 10, 'busy'],
    [true, true, 11, 'busy'],
    [true, false, 10, 'scan-failed'],
    [false, false, 10, 'store-failed'],
    [false, true, 0, 'store-failed'],
  ])('stores: %p, scans: %p, %i wait: %p', (stores, scans, waiting, expected) => {
    const sources = {
      canStore: () => stores,
      canScan: () => scans,
      waiting: () => waiting,
      waitingLevel: 10,
    };
    expect(new Admission(1000, sources).obstacle()).toBe(expected);
  });
});
