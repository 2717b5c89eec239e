import { expect, test } from '@jest/globals';
import {
  folderOf,
  isQuarantineId,
  newQuarantineId,
  timeOf,
} from '../../src/store/quarantine-id.ts';

const time = '2025-01-31T09:05:07.042Z';

test('tells the time and the folder, and is a plain file name', () => {
  const id = newQuarantineId(time);
  expect(id).toMatch(/^[0-9A-Za-z-]+$/);
  expect(isQuarantineId(id)).toBe(true);
  expect(folderOf(id)).toBe('2025/01/31');
  expect(timeOf(id)).toBe(time);
});

test('is another one each time, and a later one sorts behind', () => {
  const ids = new Set(Array.from({ length: 100 }, () => newQuarantineId(time)));
  expect(ids.size).toBe(100);
  const later = newQuarantineId('2025-01-31T09:05:07.043Z');
  for (const id of ids) expect(id < later).toBe(true);
});

test.each([
  '',
  '..',
  '../20250131T090507042Z-0123456789ab',
  '20250131T090507042Z-0123456789ab/..',
  '20250131T090507042Z-0123456789ab.eml',
  '20250131T090507042Z-0123456789ab\n',
  '20250131T090507042Z-0123456789AB',
  '20250131T090507042Z-0123456789a',
  '/etc/passwd',
])('%j is none', (text) => {
  expect(isQuarantineId(text)).toBe(false);
});
