import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockBytes, blocksOf, inOneBuffer } from '../../src/scan/stream-blocks.ts';
import { collect } from '../support/collect.ts';

describe('blocksOf', () => {
  it('keeps the bytes, ends with the one last block, and makes no small one before it', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: blockBytes * 2 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const chunks = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        const blocks = await collect(blocksOf(chunks));
        const all = Buffer.concat(blocks.flatMap((block) => block.chunks));
        expect(all.equals(Buffer.concat(chunks))).toBe(true);
        expect(blocks.map(({ last }) => last).indexOf(true)).toBe(blocks.length - 1);
        for (const { chunks: inside, bytes, last } of blocks) {
          expect(bytes).toBe(Buffer.concat(inside).length);
          if (!last) expect(bytes).toBeGreaterThanOrEqual(blockBytes);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('inOneBuffer', () => {
  /** A source with one buffer, too: it is filled with something else when the next is asked for. */
  function* lent(lengths: readonly number[]): Generator<Buffer, void> {
    const buffer = Buffer.alloc(blockBytes * 2);
    for (const [index, length] of lengths.entries()) {
      yield buffer.fill(index + 1, 0, length).subarray(0, length);
      buffer.fill(0);
    }
  }

  it('gives the bytes in pieces of which each is a block, all in the same memory', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: blockBytes * 2 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const copies: Buffer[] = [];
        const memory = new Set<ArrayBufferLike>();
        for await (const { chunks, bytes, last } of blocksOf(inOneBuffer(lent(lengths)))) {
          expect(chunks.length).toBeLessThanOrEqual(1);
          if (!last) expect(bytes).toBe(blockBytes);
          copies.push(...chunks.map((chunk) => Buffer.from(chunk)));
          for (const { buffer } of chunks) memory.add(buffer);
        }
        const expected = lengths.map((length, index) => Buffer.alloc(length, index + 1));
        expect(Buffer.concat(copies).equals(Buffer.concat(expected))).toBe(true);
        expect(memory.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 30 },
    );
  });
});
