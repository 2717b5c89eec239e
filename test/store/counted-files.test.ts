import { expect, test } from '@jest/globals';
import { countedFiles } from '../../src/store/counted-files.ts';
import { MemoryFiles } from '../support/memory-files.ts';

test('a file is told of when it is open, and when it is closed, and each is what it was', async () => {
  const told: number[] = [];
  const files = new MemoryFiles();
  const counted = countedFiles(files, (change) => told.push(change));
  const file = await counted.create('/a');
  await file.append(Buffer.from('hello'));
  const target = Buffer.alloc(10);
  expect(await file.readAt(target, 2)).toBe(3);
  expect(target.toString('latin1', 0, 3)).toBe('llo');
  await file.sync();
  const other = await counted.create('/b');
  expect(told).toEqual([1, 1]);
  await file.close();
  await other.close();
  expect(told).toEqual([1, 1, -1, -1]);
  expect(await files.sizeOf('/a')).toBe(5);
  await counted.unlink('/a');
  expect(await files.sizeOf('/a')).toBeUndefined();
});

test('a file is counted out once, however often it is closed', async () => {
  const told: number[] = [];
  const counted = countedFiles(new MemoryFiles(), (change) => told.push(change));
  const file = await counted.create('/a');
  await file.close();
  await file.close().catch(() => undefined);
  expect(told).toEqual([1, -1]);
});
