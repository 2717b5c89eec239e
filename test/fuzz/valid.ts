/** Small generators that several targets make their valid inputs of. */
import fc from 'fast-check';
import { latin1 } from './target.ts';

/** Some of these words one behind the other. */
export function sequenceOf(words: readonly string[], maxLength: number): fc.Arbitrary<Buffer> {
  return fc.array(fc.constantFrom(...words), { maxLength }).map((all) => latin1(all.join('')));
}

export function bytes(maxLength: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ maxLength }).map((some) => Buffer.from(some));
}

/** One byte that chooses, then what it is chosen for. */
export function chosen(choices: number, rest: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.nat(choices - 1), rest)
    .map(([choice, some]) => Buffer.concat([Buffer.from([choice]), some]));
}
