import { describe, expect, test } from '@jest/globals';
import { explore, smallCases } from './exhaustive.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { endMutations, letAllComeTogether } from './mutations-ends.ts';
import { handoverMutations } from './mutations-once.ts';
import { type Result, runSeed } from './world.ts';

function brokenIn(result: Result): string {
  return result.broken.map(({ violation, text }) => `${violation}: ${text}`).join('; ');
}

const seeds = 200;
const block = 40;
const blocks = Array.from({ length: seeds / block }, (_, at) => 1 + at * block);
/** What happened in all of the blocks. */
const seen = new Set<string>();

describe('whatever goes wrong', () => {
  test.each(blocks)(
    `nothing is lost, sent twice, falsified or left behind (${block} seeds from %d)`,
    async (first) => {
      const failures: string[] = [];
      for (let seed = first; seed < first + block; seed++) {
        const result = await runSeed(seed);
        for (const what of result.seen.keys()) seen.add(what);
        // How to see it again.
        if (result.broken.length > 0) failures.push(`SEED=${seed}: ${brokenIn(result)}`);
      }
      expect(failures).toEqual([]);
    },
    60_000,
  );

  test('everything happens that there is', () => {
    const outcomes = ['relayed', 'repeated', 'quarantined', 'discarded', 'rejected', 'deferred'];
    const events = ['in-doubt', 'recovered', 'not-asked', 'no-witness', 'ledger-failed'];
    expect([...seen].sort()).toEqual([...outcomes, ...events, 'abandoned'].sort());
  });

  test.each(Object.entries(smallCases))(
    'the small case, %s: every single fault and crash',
    async (_, one) => {
      const explored = await explore(one, { deviations: 1 });
      expect(explored.first).toBeUndefined();
      // As many places as there are for something to go wrong, or the case has shrunk.
      expect(explored.runs).toBeGreaterThan(100);
    },
    60_000,
  );
});

describe('a run', () => {
  test.each([3, 52, 427])('is the same each time (seed %d)', async (seed) => {
    const first = await runSeed(seed, { recording: true });
    await runSeed(seed + 1, { recording: true });
    const again = await runSeed(seed, { recording: true });
    expect(again.trace.hash).toBe(first.trace.hash);
    expect(first.trace.lines.length).toBeGreaterThan(50);
  });

  test('is another one under another seed', async () => {
    const [one, other] = [
      await runSeed(1, { recording: true }),
      await runSeed(2, { recording: true }),
    ];
    expect(one.trace.hash).not.toBe(other.trace.hash);
  });
});

const allMutations: Readonly<Record<string, Mutation>> = {
  ...mutations,
  ...handoverMutations,
  ...endMutations,
};

/** Seeds until a mutation must have been seen. */
const seedsMax = 150;

describe('a daemon that is broken on purpose is caught', () => {
  test.each(Object.entries(allMutations))(
    '%s',
    async (_, mutation) => {
      let isSeen = false;
      for (let seed = 1; seed <= seedsMax && !isSeen; seed++) {
        const result = await runSeed(seed, { mutation });
        isSeen = result.broken.some(({ violation }) => mutation.seenAs.includes(violation));
      }
      expect(isSeen).toBe(true);
    },
    60_000,
  );

  test.each<[string, Mutation | undefined, RegExp]>([
    [
      'a plain next hop, in doubt held',
      allMutations['send again what is to be held'],
      /twice: .* came 2 times/,
    ],
    ['different ends over SMTP', letAllComeTogether, /twice: .* was taken, .* and bounced/],
  ])(
    'in the small case too: %s',
    async (name, mutation, seenAs) => {
      const one = smallCases[name];
      if (!one || !mutation) throw new Error('one of them has another name');
      const explored = await explore(one, { deviations: 1, mutation });
      expect(explored.first?.join()).toMatch(seenAs);
    },
    60_000,
  );
});
