import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blockBytes, blocksOf } from '../../src/scan/stream-blocks.ts';
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
