/**
 * What a fuzz target is: a parser, the inputs that mean something to it, and what must hold for any
 * input. A check that throws has found something.
 */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import type fc from 'fast-check';
import { Random } from '../chaos/random.ts';

export interface Target {
  readonly name: string;
  /** Words of its grammar, each character a byte. */
  readonly tokens: readonly string[];
  /** Inputs that mean something as a whole; they are damaged afterwards. */
  readonly valid: fc.Arbitrary<Buffer>;
  /** The longest input that is made. */
  readonly inputBytesMax: number;
  /** The largest buffer that the check may ask for, whatever an input of so many bytes says. */
  readonly bufferBytesMax: (inputBytes: number) => number;
  /** What the check may run through, as V8 counts blocks of the code under src/. */
  readonly stepsMax: (inputBytes: number) => number;
  /** @throws where something does not hold that must hold for any input. */
  readonly check: (input: Buffer) => void;
}

const KiB = 1024;

/** What most targets are held to: room for a copy or two, and a constant. */
export const usualBounds = {
  inputBytesMax: 4 * KiB,
  bufferBytesMax: (inputBytes: number) => 4 * inputBytes + 64 * KiB,
  stepsMax: (inputBytes: number) => 2000 * inputBytes + 200_000,
};

/** Pieces of an input, cut at places that come from the input itself. */
export function cut(input: Buffer): readonly Buffer[] {
  const random = new Random(crc32(input));
  const byteByByte = input.length <= 512 && random.chance(0.25);
  if (byteByByte) return Array.from(input, (byte) => Buffer.from([byte]));
  const count = random.between(1, 6);
  const places = Array.from({ length: count }, () => random.between(0, input.length));
  places.push(0, input.length);
  places.sort((a, b) => a - b);
  return places.slice(1).map((end, index) => input.subarray(places[index], end));
}

/** The result for the whole input, after it was held to that for the same input in pieces. */
export function whole<T>(input: Buffer, run: (pieces: readonly Buffer[]) => T): T {
  const result = run([input]);
  assert.deepEqual(run(cut(input)), result, 'how the input is cut makes a difference');
  return result;
}

/** As `assert`, for what holds for any input. */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new assert.AssertionError({ message: what });
}

/** Text whose characters are bytes. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
