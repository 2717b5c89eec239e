import { describe, expect, test } from '@jest/globals';
import { optionsOf } from './options.ts';

describe('optionsOf', () => {
  test('without a word: the long form, clamgate alone, all scenarios', () => {
    const { seed, only, ...rest } = optionsOf({});
    expect(Number.isSafeInteger(seed)).toBe(true);
    expect(only.test('anything')).toBe(true);
    expect(rest).toEqual({ short: false, peers: false, ledger: 'commit', workers: 1 });
  });

  test('every variable is heard', () => {
    const [LEDGER, WORKERS] = ['plain', '2'];
    const env = { SEED: '7', SHORT: '1', PEERS: '1', LEDGER, WORKERS, ONLY: 'FROZEN' };
    const { only, ...rest } = optionsOf(env);
    expect(['clamd frozen', 'clamd killed'].filter((name) => only.test(name))).toHaveLength(1);
    expect(rest).toEqual({ seed: 7, short: true, peers: true, ledger: 'plain', workers: 2 });
  });

  test.each([
    [{ SEED: 'x' }, 'SEED is no whole number'],
    [{ WORKERS: '0' }, 'WORKERS is no number from 1 on'],
    [{ LEDGER: 'yes' }, 'LEDGER is none of off, plain, commit'],
  ])('%j is refused', (env, why) => {
    expect(() => optionsOf(env)).toThrow(why);
  });
});
