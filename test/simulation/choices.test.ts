import { describe, expect, test } from '@jest/globals';
import { EnumeratedChoices, SeededChoices } from './choices.ts';

/** Four decisions, of 2, 3, 2 and 3 options; the third is made only after a 0 at the second. */
function decide(choices: EnumeratedChoices): string {
  const first = choices.below(2, 'a');
  const second = choices.below(3, 'b');
  const third = second === 0 ? choices.below(2, 'a') : '-';
  choices.below(7, 'not wanted');
  return [first, second, third, choices.below(3, 'b')].join('');
}

function all(deviations: number): string[] {
  const choices = new EnumeratedChoices(new Set(['a', 'b']), deviations);
  const seen: string[] = [];
  do seen.push(decide(choices));
  while (choices.advance());
  return seen;
}

describe('enumerated choices', () => {
  test('go through every sequence once', () => {
    const expected: string[] = [];
    for (const a of [0, 1]) {
      for (const b of [0, 1, 2]) {
        for (const c of b === 0 ? [0, 1] : ['-']) {
          for (const d of [0, 1, 2]) expected.push([a, b, c, d].join(''));
        }
      }
    }
    expect(all(4)).toEqual(expected);
  });

  test.each([0, 1, 2])('leave out those in which more than %d things go wrong', (deviations) => {
    const few = all(4).filter((each) => each.replaceAll(/[0-]/g, '').length <= deviations);
    expect(all(deviations)).toEqual(few);
  });

  test('tell what went wrong', () => {
    const choices = new EnumeratedChoices(new Set(['a']), 1);
    expect(choices.chance(0.5, 'a')).toBe(false);
    expect(choices.chance(0, 'a')).toBe(false);
    expect(choices.deviated).toEqual([]);
    expect(choices.advance()).toBe(true);
    expect(choices.chance(0.5, 'a')).toBe(true);
    expect(choices.deviated).toEqual(['decision 0: a = 1']);
    expect(choices.advance()).toBe(false);
  });
});

describe('seeded choices', () => {
  test('are the same under the same seed, and others under the next', () => {
    const drawn = (seed: number): number[] => {
      const choices = new SeededChoices(seed);
      return Array.from({ length: 20 }, () => choices.below(1000));
    };
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
  });

  test('come out as likely as they should, also over the first draws of many seeds', () => {
    let count = 0;
    for (let seed = 0; seed < 10_000; seed++) if (new SeededChoices(seed).chance(0.3)) count++;
    expect(count).toBeGreaterThan(2800);
    expect(count).toBeLessThan(3200);
  });
});
