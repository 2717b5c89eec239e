import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { queueNames, queuePaths } from '../../src/witness/queue-paths.ts';

test('a short queue id is hashed by its first characters', () => {
  expect(queuePaths('deferred', '3F0C21A2')).toEqual([
    'deferred/3F0C21A2',
    'deferred/3/3F0C21A2',
    'deferred/3/F/3F0C21A2',
    'deferred/3/F/0/3F0C21A2',
    'deferred/3/F/0/C/3F0C21A2',
  ]);
});

test.each([
  // mail_queue(3): the microseconds, base 52, and what a short id would begin with.
  ['0000000000zA', '00000'],
  ['4bKWxz0001zNtL', '00001'],
  ['4bKWxz0010zNtL', '00034'],
  ['4bKWxz75PmzNtL', 'F3DFC'],
  ['4bKWxz0AE0zNtL', '00000'],
])('a long one by its microseconds: %s', (queueId, digits) => {
  expect(queuePaths('incoming', queueId)[4]).toBe(
    `incoming/${Array.from(digits.slice(0, 4)).join('/')}/${queueId}`,
  );
});

test.each(['ABC', '4bKWz0001zA', 'z'])('%s is not long enough for a long one', (queueId) => {
  expect(queuePaths('hold', queueId).at(-1)).toBe(
    `hold/${Array.from(queueId.slice(0, 4)).join('/')}/${queueId}`,
  );
});

test('stays below its queue, whatever the queue id', () => {
  const queueId = fc.stringMatching(/^[0-9A-Za-z]{1,64}$/);
  fc.assert(
    fc.property(fc.constantFrom(...queueNames), queueId, (queue, id) => {
      for (const path of queuePaths(queue, id)) {
        expect(path).toMatch(new RegExp(`^${queue}(/[0-9A-Za-z]){0,4}/${id}$`));
      }
    }),
  );
});

test.each(['', '..', '../x', 'a/b', 'a.b', 'a\0', 'a'.repeat(65)])('%j never is a path', (id) => {
  expect(() => queuePaths('incoming', id)).toThrow('a queue id has been checked');
});
