import { expect, test } from '@jest/globals';
import { mayComeTwice } from './scenario.ts';

test.each([
  ['once', 'off', 'nothing'],
  ['once', 'plain', 'nothing'],
  ['once', 'commit', 'nothing'],
  ['once-if-asked', 'off', 'anything'],
  ['once-if-asked', 'plain', 'listed'],
  ['once-if-asked', 'commit', 'nothing'],
  ['once-or-listed', 'off', 'anything'],
  ['once-or-listed', 'plain', 'listed'],
  ['once-or-listed', 'commit', 'listed'],
  ['never-lost', 'plain', 'anything'],
  ['never-lost', 'commit', 'anything'],
] as const)('%s with ledger %s: %s may come twice', (promise, ledger, expected) => {
  expect(mayComeTwice(promise, ledger)).toBe(expected);
});
