import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { byNumber } from '../../src/scan/part-scan.ts';

const inOrder = [
  '',
  '1',
  '1.1',
  '1.1.1',
  '1.2',
  '1.2.10',
  '1.9',
  '1.9.1',
  '1.10',
  '2',
  '10',
  '10.1',
];

test.each(inOrder.flatMap((one, at) => inOrder.map((other, to) => [one, other, at - to] as const)))(
  "'%s' and '%s'",
  (one, other, order) => {
    expect(Math.sign(byNumber(one, other))).toBe(Math.sign(order));
  },
);

test('parts stand as their steps do, one by one', () => {
  const number = fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 6 });
  fc.assert(
    fc.property(number, number, (one, other) => {
      const at = [...one, 0].findIndex((step, index) => step !== (other[index] ?? 0));
      const order = at < 0 ? one.length - other.length : (one[at] ?? 0) - (other[at] ?? 0);
      expect(Math.sign(byNumber(one.join('.'), other.join('.')))).toBe(Math.sign(order));
    }),
  );
});
