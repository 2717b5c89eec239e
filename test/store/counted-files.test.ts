import { expect, test } from '@jest/globals';
import { countedFiles } from '../../src/store/counted-files.ts';
import { MemoryFiles } from '../support/memory-files.ts';

test('what goes through a file is told, and the file is what it was', async () => {
  const moved: number[] = [];
  const files = new MemoryFiles();
  const counted = countedFiles(files, (bytes) => moved.push(bytes));
  const file = await counted.create('/a');
  await file.append(Buffer.from('hello'));
  const target = Buffer.alloc(10);
  expect(await file.readAt(target, 2)).toBe(3);
  expect(target.toString('latin1', 0, 3)).toBe('llo');
  expect(moved).toEqual([5, 3]);
  await file.sync();
  await file.close();
  expect(await files.sizeOf('/a')).toBe(5);
  await counted.unlink('/a');
  expect(await files.sizeOf('/a')).toBeUndefined();
});
