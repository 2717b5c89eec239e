import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { MemoryTail } from '../../src/store/memory-tail.ts';

const kept = (tail: MemoryTail) => new Set(tail.chunks.map(({ buffer }) => buffer));
const bytesKept = (tail: MemoryTail) =>
  [...kept(tail)].reduce((sum, { byteLength }) => sum + byteLength, 0);

test('the digest is that of all bytes, however they came', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 5 });
  fc.assert(
    fc.property(pieces, (chunks) => {
      const tail = new MemoryTail();
      for (const chunk of chunks) tail.add(Buffer.from(chunk));
      const expected = createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
      expect(tail.digest()).toBe(expected);
      expect(tail.hashInto(createHash('sha256')).digest('hex')).toBe(expected);
    }),
  );
});

describe('what a content in memory keeps alive', () => {
  test('a chunk that owns its buffer is kept without a copy', () => {
    const tail = new MemoryTail();
    const chunk = Buffer.allocUnsafeSlow(4096);
    tail.add(chunk);
    expect(tail.chunks[0]?.buffer).toBe(chunk.buffer);
  });

  test.each([10, 1000, 20_000])('%i bytes of a large buffer do not keep it', (length) => {
    const tail = new MemoryTail();
    tail.add(
      Buffer.allocUnsafeSlow(1024 * 1024)
        .fill('x')
        .subarray(5, 5 + length),
    );
    expect(bytesKept(tail)).toBe(length);
    expect(Buffer.concat(tail.chunks)).toEqual(Buffer.alloc(length, 'x'));
  });

  test('many small chunks become few', () => {
    const tail = new MemoryTail();
    for (let i = 0; i < 50_000; i++) tail.add(Buffer.from([i & 0xff]));
    expect(tail.chunks.length).toBeLessThan(8);
    expect(bytesKept(tail)).toBeLessThan(80_000);
  });

  test('is given back', () => {
    const tail = new MemoryTail();
    tail.add(Buffer.from('abc'));
    tail.clear();
    expect(tail.chunks).toEqual([]);
  });
});

test('every byte is where it was put, however it came', () => {
  const lengths = fc.array(fc.constantFrom(0, 1, 2, 100, 9000, 16_383, 16_384, 16_385, 40_000), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(lengths, fc.nat(), (each, at) => {
      const tail = new MemoryTail();
      const chunks = each.map((length, index) => Buffer.alloc(length, index + 1));
      for (const chunk of chunks) tail.add(chunk);
      const whole = Buffer.concat(chunks);
      expect(Buffer.concat(tail.chunks).equals(whole)).toBe(true);
      if (whole.length === 0) return;
      const position = at % whole.length;
      const rest = tail.at(position);
      expect(rest.length).toBeGreaterThan(0);
      expect(rest.equals(whole.subarray(position, position + rest.length))).toBe(true);
    }),
    { numRuns: 60 },
  );
});
