/**
 * What CI runs of the fuzzing: each kept input again, and a short search under a fixed seed in each
 * target, counted in inputs. The long form is `make fuzz`.
 */
import { describe, expect, it, test } from '@jest/globals';
import { eicar } from '../support/eicar.ts';
import { corpusOf } from './corpus.ts';
import { hunt } from './hunt.ts';
import { targets } from './targets.ts';
import type { Progress } from './worker.ts';

const shortInputs = 1500;
const seed = 4;
/** An input that takes so long does not end: the slowest takes milliseconds. */
const hangMs = 30_000;
const corpusBytesMax = 1_000_000;

/** Unguided, so that seed and corpus alone decide. */
async function search(target: string): Promise<{
  readonly failures: readonly string[];
  readonly executions: number;
  readonly digest: string;
}> {
  const failures: string[] = [];
  let last: Progress | undefined;
  const task = { target, seed, isGuided: false, executionsMax: shortInputs, msMax: Infinity };
  await hunt(task, hangMs, {
    needed: () => undefined,
    kept: () => undefined,
    failed: ({ input, text }) => failures.push(`${input.toString('base64')}: ${text}`),
    progress: (progress) => (last = progress),
  });
  return { failures, executions: last?.executions ?? 0, digest: last?.digest ?? '' };
}

const kept = targets.map((target) => ({ target, inputs: corpusOf(target.name) }));

describe.each(kept)('$target.name', ({ target, inputs }) => {
  it('has kept inputs, and holds for each of them', () => {
    expect(inputs.length).toBeGreaterThan(0);
    for (const { name, bytes } of inputs) {
      expect(() => {
        target.check(bytes);
        return name;
      }).not.toThrow();
    }
  });

  it('holds for some new inputs', async () => {
    const { failures, executions } = await search(target.name);
    expect(failures).toEqual([]);
    expect(executions).toBeGreaterThanOrEqual(shortInputs);
  }, 120_000);
});

test('the corpus is small, and no virus scanner takes it away', () => {
  const all = kept.flatMap(({ inputs }) => inputs.map(({ bytes }) => bytes));
  expect(all.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(corpusBytesMax);
  const hidden = [eicar, Buffer.from(eicar).toString('base64').slice(0, 40)];
  for (const bytes of all) for (const text of hidden) expect(bytes.includes(text)).toBe(false);
});

test('the same seed makes the same inputs', async () => {
  const [first, second] = [await search('witness'), await search('witness')];
  expect(second).toEqual(first);
  expect(first.digest).toMatch(/^[0-9a-f]{16}$/);
}, 120_000);
