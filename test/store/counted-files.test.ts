import { expect, test } from '@jest/globals';
import { countedFiles } from '../../src/store/counted-files.ts';
import { MemoryFiles } from '../support/memory-files.ts';

test('it is told what is written to a file, and taken back when that is closed', async () => {
  const told: number[] = [];
  const files = new MemoryFiles();
  const counted = countedFiles(files, (bytes) => told.push(bytes));
  const file = await counted.create('/a');
  const other = await counted.create('/b');
  await file.append(Buffer.from('hello'));
  await other.append(Buffer.from('you'));
  await file.append(Buffer.from(' there'));
  const target = Buffer.alloc(10);
  expect(await file.readAt(target, 2)).toBe(9);
  expect(target.toString('latin1', 0, 9)).toBe('llo there');
  await file.sync();
  expect(told).toEqual([5, 3, 6]);
  await file.close();
  await other.close();
  expect(told).toEqual([5, 3, 6, -11, -3]);
  expect(await files.sizeOf('/a')).toBe(11);
  await counted.unlink('/a');
  expect(await files.sizeOf('/a')).toBeUndefined();
});

test('it is taken back once, however often it is closed, and nothing of an empty file is told', async () => {
  const told: number[] = [];
  const counted = countedFiles(new MemoryFiles(), (bytes) => told.push(bytes));
  const file = await counted.create('/a');
  await file.append(Buffer.from('hello'));
  await file.close();
  await file.close().catch(() => undefined);
  await (await counted.create('/b')).close();
  expect(told).toEqual([5, -5]);
});
