import { describe, expect, test } from '@jest/globals';
import { optionsOf } from './options.ts';

describe('optionsOf', () => {
  test('without a word: the long form, clamgate alone, all scenarios', () => {
    const { seed, only, ...rest } = optionsOf({});
    expect(Number.isSafeInteger(seed)).toBe(true);
    expect(only.test('anything')).toBe(true);
    expect(rest).toEqual({ short: false, peers: false, ledger: 'commit' });
  });

  test('every variable is heard', () => {
    const env = { SEED: '7', SHORT: '1', PEERS: '1', LEDGER: 'commit', ONLY: 'FROZEN' };
    const { only, ...rest } = optionsOf(env);
    expect(['clamd frozen', 'clamd killed'].filter((name) => only.test(name))).toHaveLength(1);
    expect(rest).toEqual({ seed: 7, short: true, peers: true, ledger: 'commit' });
  });

  test.each([
    [{ SEED: 'x' }, 'SEED is no whole number'],
    [{ LEDGER: 'yes' }, 'LEDGER is none of off, plain, commit'],
  ])('%j is refused', (env, why) => {
    expect(() => optionsOf(env)).toThrow(why);
  });
});
