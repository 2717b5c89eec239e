import { describe, expect, it } from '@jest/globals';
import { fileSizeDue, limitsNow, type ShownLimits } from '../../src/scan/known-limits.ts';
import { leastBytes } from '../../src/scan/size-canary.ts';

const upTo = 1_000_000;
const on = { alerts: 'on', moves: 1 } as const;
const silent = { alerts: 'silent', moves: 1 } as const;
const sized = { fileSize: { upTo, bytes: 200_000, isShown: true }, moves: 1 };

describe('the largest file that a clamd is known to look at', () => {
  it.each<[string, Partial<ShownLimits>, number | undefined, number | undefined]>([
    ['the least where nothing was shown', {}, upTo, leastBytes],
    ['ours where that is less', {}, 1000, 1000],
    ['the least of one that is silent', { told: silent }, upTo, leastBytes],
    ['not asked of one that told of its limits', { told: on }, upTo, undefined],
    ['not asked where it is known', { told: silent }, undefined, undefined],
    ['what was found out', { told: silent, sized }, upTo, 200_000],
    [
      'what was found out, also of another version',
      { sized: { ...sized, moves: 0 } },
      upTo,
      200_000,
    ],
  ])('is %s', (_, shown, suspected, expected) => {
    for (const moves of [1, 2, undefined]) {
      const limits = limitsNow(
        { told: undefined, sized: undefined, ...shown },
        { moves, suspected },
      );
      expect(limits.fileBytesMax).toBe(expected);
    }
  });
});

describe('the size of files', () => {
  const unversioned = { ...sized, moves: undefined };
  it.each<[string, Partial<ShownLimits>, number | undefined, boolean, number | undefined]>([
    ['has to be asked for', { told: silent }, 1, false, upTo],
    ['was answered', { told: silent, sized }, 1, true, undefined],
    ['was answered by another version', { told: silent, sized }, 2, false, upTo],
    ['would be told of', { told: on }, 1, true, undefined],
    ['would have been told of by another version', { told: on }, 2, false, upTo],
    ['was answered without a version', { sized: unversioned }, undefined, false, undefined],
    ['was so, and EICAR was shown again', { sized: unversioned }, undefined, true, upTo],
  ])('%s', (_, shown, moves, hasShownCanary, expected) => {
    const all = { told: undefined, sized: undefined, ...shown };
    expect(fileSizeDue(all, { moves, suspected: upTo }, hasShownCanary)).toBe(expected);
    expect(fileSizeDue(all, { moves, suspected: undefined }, hasShownCanary)).toBeUndefined();
  });
});
