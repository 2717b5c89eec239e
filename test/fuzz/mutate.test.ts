import { expect, test } from '@jest/globals';
import { Random } from '../chaos/random.ts';
import { mutated } from './mutate.ts';
import { shrunk } from './shrink.ts';

const material = {
  tokens: [Buffer.from('TOKEN')],
  others: [Buffer.from('other input 42')],
  inputBytesMax: 100,
};
const input = Buffer.from('an input of 37 bytes with 2 numbers..');

function series(seed: number): readonly string[] {
  const random = new Random(seed);
  return Array.from({ length: 500 }, () => mutated(input, random, material).toString('latin1'));
}

test('the same seed makes the same changes, another one others', () => {
  expect(series(1)).toEqual(series(1));
  expect(series(2)).not.toEqual(series(1));
});

test('changes take words and pieces of others, and keep to the length', () => {
  const all = series(3);
  expect(Math.max(...all.map(({ length }) => length))).toBe(material.inputBytesMax);
  for (const piece of ['TOKEN', 'other', String(2 ** 32)]) {
    expect(all.some((one) => one.includes(piece))).toBe(true);
  }
  expect(new Set(all).size).toBeGreaterThan(400);
  expect(input.toString()).toBe('an input of 37 bytes with 2 numbers..');
});

test('a failing input becomes as small as it can be', () => {
  const smallest = shrunk(Buffer.from(`${'x'.repeat(40)}a${'y'.repeat(33)}b`), 400, (one) =>
    /a.*b/.test(one.toString()),
  );
  expect(smallest.toString()).toBe('ab');
});
