/**
 * Ways to change an input a little: bytes and ranges of it, words of the target's grammar, pieces of
 * other inputs, and numbers at the edges of what they are written in. All choices come from a seed.
 */
import type { Random } from '../chaos/random.ts';

export interface Material {
  /** Words of the grammar. */
  readonly tokens: readonly Buffer[];
  /** Other inputs, to take pieces from. */
  readonly others: readonly Buffer[];
  readonly inputBytesMax: number;
}

type Mutation = (input: Buffer, random: Random, material: Material) => Buffer;

/** Beyond the usual, so that what grows with the square of the input shows; seldom, as it is slow. */
const longChance = 0.01;
const changesMax = 6;

/** Where numbers tend to go wrong: 0, 1, and around the ends of 7, 8, 15, 16, 31, 32 and 53 bits. */
const edges = [0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31]
  .concat([2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53])
  .map(BigInt);

const mutations: readonly Mutation[] = [
  flipBit,
  setByte,
  insertBytes,
  remove,
  duplicate,
  repeat,
  move,
  insertToken,
  insertToken,
  overwriteWithToken,
  splice,
  splice,
  binaryNumber,
  decimalNumber,
];

/** The input with one to some changes, no longer than allowed. */
export function mutated(input: Buffer, random: Random, material: Material): Buffer {
  let changed = input;
  for (let left = random.between(1, changesMax); left > 0; left--) {
    changed = pick(mutations, random)(changed, random, material);
    if (random.chance(longChance)) changed = repeatOften(changed, random, material);
    changed = changed.subarray(0, material.inputBytesMax);
  }
  return Buffer.from(changed);
}

export function pick<T>(list: readonly T[], random: Random): T {
  const one = list[random.between(0, list.length - 1)];
  if (one === undefined) throw new RangeError('nothing to pick from');
  return one;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Mostly a short one. */
function range(input: Buffer, random: Random): Range {
  const from = random.between(0, input.length);
  const longest = random.chance(0.8) ? 16 : input.length;
  return { from, to: Math.min(input.length, from + random.between(1, Math.max(1, longest))) };
}

function replaced(input: Buffer, { from, to }: Range, by: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), by, input.subarray(to)]);
}

function flipBit(input: Buffer, random: Random): Buffer {
  if (input.length === 0) return input;
  const changed = Buffer.from(input);
  const at = random.between(0, input.length - 1);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.between(0, 7));
  return changed;
}

function setByte(input: Buffer, random: Random): Buffer {
  const changed = Buffer.from(input);
  if (input.length > 0) changed[random.between(0, input.length - 1)] = random.between(0, 255);
  return changed;
}

function insertBytes(input: Buffer, random: Random): Buffer {
  const at = random.between(0, input.length);
  const bytes = Buffer.from(
    Array.from({ length: random.between(1, 8) }, () => random.between(0, 255)),
  );
  return replaced(input, { from: at, to: at }, bytes);
}

function remove(input: Buffer, random: Random): Buffer {
  return replaced(input, range(input, random), Buffer.alloc(0));
}

function duplicate(input: Buffer, random: Random): Buffer {
  const { from, to } = range(input, random);
  return replaced(input, { from: to, to }, input.subarray(from, to));
}

function repeat(input: Buffer, random: Random): Buffer {
  const { from, to } = range(input, random);
  const some = input.subarray(from, to);
  const times = Array.from({ length: random.between(2, 40) }, () => some);
  return replaced(input, { from: to, to }, Buffer.concat(times));
}

/** A piece or a word, as often as there is room for it. */
function repeatOften(input: Buffer, random: Random, { tokens, inputBytesMax }: Material): Buffer {
  const { from, to } = range(input, random);
  const some = random.chance(0.5) ? pick(tokens, random) : input.subarray(from, to);
  const room = inputBytesMax - input.length;
  if (some.length === 0 || room <= 0) return input;
  return replaced(input, { from: to, to }, Buffer.alloc(room, some));
}

function move(input: Buffer, random: Random): Buffer {
  const { from, to } = range(input, random);
  const rest = replaced(input, { from, to }, Buffer.alloc(0));
  const at = random.between(0, rest.length);
  return replaced(rest, { from: at, to: at }, input.subarray(from, to));
}

function insertToken(input: Buffer, random: Random, { tokens }: Material): Buffer {
  const at = random.between(0, input.length);
  return replaced(input, { from: at, to: at }, pick(tokens, random));
}

function overwriteWithToken(input: Buffer, random: Random, { tokens }: Material): Buffer {
  return replaced(input, range(input, random), pick(tokens, random));
}

/** A piece of another input in the place of one of this. */
function splice(input: Buffer, random: Random, { others }: Material): Buffer {
  if (others.length === 0) return input;
  const other = pick(others, random);
  const whence = range(other, random);
  const where = random.chance(0.5)
    ? range(input, random)
    : { from: input.length, to: input.length };
  return replaced(input, where, other.subarray(whence.from, whence.to));
}

/** In 1, 2, 4 or 8 bytes, either end first. */
function binaryNumber(input: Buffer, random: Random): Buffer {
  const width = pick([1, 2, 4, 8], random);
  if (input.length < width) return input;
  const changed = Buffer.from(input);
  const at = random.between(0, input.length - width);
  const value = BigInt.asUintN(64, pick(edges, random) - BigInt(random.between(0, 2)));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  const written = bytes.subarray(8 - width);
  changed.set(random.chance(0.5) ? written : Buffer.from(written).reverse(), at);
  return changed;
}

/** In the place of digits, if there are any. */
function decimalNumber(input: Buffer, random: Random): Buffer {
  const numbers = [...input.toString('latin1').matchAll(/\d+/g)];
  if (numbers.length === 0) return input;
  const { index, 0: digits } = pick(numbers, random);
  const value = Buffer.from(String(pick(edges, random)));
  return replaced(input, { from: index, to: index + digits.length }, value);
}
