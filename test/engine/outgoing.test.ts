import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { outgoing } from '../../src/engine/outgoing.ts';
import { Cancelled } from '../../src/errors.ts';
import { MemoryContent } from '../support/memory-content.ts';
import { bytesOf } from '../support/stand-ins.ts';

const never = new AbortController().signal;

test('the head in place of the first bytes, whatever the chunks', async () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
  await fc.assert(
    fc.asyncProperty(
      fc.array(bytes, { maxLength: 3 }),
      bytes,
      fc.nat(60),
      fc.integer({ min: 1, max: 20 }),
      async (head, content, wanted, chunkBytes) => {
        const headBytes = Math.min(wanted, content.length);
        const left = outgoing(MemoryContent.of(content, chunkBytes), head, headBytes, never);
        const expected = Buffer.concat([...head, content.subarray(headBytes)]);
        expect(await bytesOf(left)).toEqual(expected);
      },
    ),
  );
});

test('no empty chunk is handed on', async () => {
  const lengths: number[] = [];
  for await (const chunk of outgoing(MemoryContent.of(Buffer.from('abcdef'), 2), [], 4, never)) {
    lengths.push(chunk.length);
  }
  expect(lengths).toEqual([2]);
});

test('ends when it is called off', async () => {
  const content = MemoryContent.of(Buffer.from('abcdef'));
  const signal = AbortSignal.abort(new Cancelled('deadline'));
  await expect(bytesOf(outgoing(content, [], 0, signal))).rejects.toThrow('cancelled: deadline');
});
