import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { OperationalError } from '../../src/errors.ts';
import {
  ensureDirectory,
  nodeFiles,
  prepareDirectory,
  systemCode,
  type Files,
} from '../../src/store/files.ts';
import { readWhole, writeFile } from '../../src/store/stored-file.ts';
import { MemoryFiles } from '../support/memory-files.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'clamgate-files-'));
});

afterEach(() => rm(root, { recursive: true }));

/** The same promises hold for the disk and for what the other tests have in its place. */
describe.each<{ name: string; begin: () => Promise<Files> }>([
  { name: 'the disk', begin: () => Promise.resolve(nodeFiles) },
  {
    name: 'memory',
    begin: async () => {
      const files = new MemoryFiles();
      await ensureDirectory(files, root);
      return files;
    },
  },
])('files on $name', ({ begin }) => {
  test('are created, written, read back at any place, and closed', async () => {
    const files = await begin();
    const file = await files.create(join(root, 'a'));
    await file.append(Buffer.from('hello '));
    await file.append(Buffer.from('world'));
    await file.sync();
    const target = Buffer.alloc(8, '.');
    expect(await file.readAt(target, 6)).toBe(5);
    expect(target.toString()).toBe('world...');
    await file.close();
    expect(await files.sizeOf(join(root, 'a'))).toBe(11);
    await expect(file.readAt(target, 0)).rejects.toBeInstanceOf(OperationalError);
  });

  test('are created for those who are named', async () => {
    const files = await begin();
    const path = join(root, 'a');
    await writeFile(files, path, []);
    const own = await files.ownershipOf(path);
    if (!own) throw new Error('no file');
    // Only root can give a file away.
    const other = own.uid === 0 ? { uid: 123, gid: 456, mode: 0o640 } : { ...own, mode: 0o640 };
    await writeFile(files, join(root, 'b'), [Buffer.from('x')], other);
    expect(await files.ownershipOf(join(root, 'b'))).toEqual(other);
    expect(await files.ownershipOf(join(root, 'missing'))).toBeUndefined();
  });

  test('are not created over another one', async () => {
    const files = await begin();
    await writeFile(files, join(root, 'a'), [Buffer.from('first')]);
    const error: unknown = await files.create(join(root, 'a')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE' });
    expect(systemCode(error)).toBe('EEXIST');
    expect((await readWhole(files, join(root, 'a'))).toString()).toBe('first');
  });

  test('can be read after they have lost their name', async () => {
    const files = await begin();
    const file = await files.create(join(root, 'a'));
    await files.unlink(join(root, 'a'));
    await file.append(Buffer.from('still here'));
    const target = Buffer.alloc(10);
    expect(await file.readAt(target, 0)).toBe(10);
    expect(target.toString()).toBe('still here');
    expect(await files.list(root)).toEqual([]);
    await file.close();
  });

  test('take the place of another when renamed', async () => {
    const files = await begin();
    await writeFile(files, join(root, 'old'), [Buffer.from('old')]);
    await writeFile(files, join(root, 'new'), [Buffer.from('new')]);
    await files.rename(join(root, 'new'), join(root, 'old'));
    expect((await readWhole(files, join(root, 'old'))).toString()).toBe('new');
    expect(await files.list(root)).toEqual([{ name: 'old', isDirectory: false }]);
  });

  test('may be missing where that is no error', async () => {
    const files = await begin();
    await files.unlink(join(root, 'missing'));
    expect(await files.sizeOf(join(root, 'missing'))).toBeUndefined();
    expect(await files.list(join(root, 'missing'))).toEqual([]);
  });

  test('must be there where they are needed', async () => {
    const files = await begin();
    const missing = join(root, 'missing');
    for (const act of [
      () => files.open(missing),
      () => files.rename(missing, join(root, 'x')),
      () => files.syncDirectory(missing),
      () => files.create(join(missing, 'x')),
      () => files.makeDirectory(join(missing, 'x')),
    ]) {
      const error: unknown = await act().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'STORE' });
      expect(systemCode(error)).toBe('ENOENT');
    }
  });

  test('lie in directories that are made with what is missing above them', async () => {
    const files = await begin();
    await ensureDirectory(files, join(root, 'a/b/c'));
    await ensureDirectory(files, join(root, 'a/b/c'));
    expect(await files.makeDirectory(join(root, 'a/b/c'))).toBe(false);
    expect(await files.list(join(root, 'a/b'))).toEqual([{ name: 'c', isDirectory: true }]);
  });

  test('can be larger than one piece', async () => {
    const files = await begin();
    const bytes = Buffer.concat([Buffer.alloc(65_536, 'a'), Buffer.alloc(65_536, 'b')]);
    for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072]) {
      const path = join(root, String(length));
      await writeFile(files, path, [bytes.subarray(0, length)]);
      expect((await readWhole(files, path)).equals(bytes.subarray(0, length))).toBe(true);
    }
  });

  test('a directory that is ready for files stays empty', async () => {
    const files = await begin();
    await prepareDirectory(files, join(root, 'ready'));
    expect(await files.list(root)).toEqual([{ name: 'ready', isDirectory: true }]);
    expect(await files.list(join(root, 'ready'))).toEqual([]);
  });
});

test('what is created is for nobody else', async () => {
  await ensureDirectory(nodeFiles, join(root, 'a'));
  await writeFile(nodeFiles, join(root, 'a/b'), []);
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
  expect((await stat(join(root, 'a/b'))).mode & 0o777).toBe(0o600);
});

test('the names of new directories survive a crash', async () => {
  const files = new MemoryFiles();
  await ensureDirectory(files, '/a/b/c');
  expect(await files.afterCrash().list('/a/b')).toEqual([{ name: 'c', isDirectory: true }]);
});

test('a directory in which nothing can be created is not ready', async () => {
  const files = new MemoryFiles();
  files.failAt({ at: 3, kind: 'ENOSPC' });
  await expect(prepareDirectory(files, '/a')).rejects.toMatchObject({ code: 'STORE' });
});

describe('files in memory', () => {
  test('lose in a crash what was not synced, name and bytes apart', async () => {
    const files = new MemoryFiles();
    const file = await files.create('/a');
    await file.append(Buffer.from('bytes'));
    expect(files.afterCrash().paths()).toEqual([]);
    await files.syncDirectory('/');
    expect(await files.afterCrash().sizeOf('/a')).toBe(0);
    await file.sync();
    expect(await files.afterCrash().sizeOf('/a')).toBe(5);
    await files.unlink('/a');
    expect(files.afterCrash().paths()).toEqual(['/a']);
    expect(files.afterCrash(() => true).paths()).toEqual([]);
  });

  test('fail once or for good, at the operation that was chosen', async () => {
    const files = new MemoryFiles();
    files.failAt({ at: 2, kind: 'EIO' });
    await files.list('/');
    await expect(files.list('/')).rejects.toThrow('EIO');
    await files.list('/');
    files.failAt({ at: 1, kind: 'ENOSPC', persistent: true });
    await expect(files.list('/')).rejects.toThrow('ENOSPC');
    await expect(files.list('/')).rejects.toThrow('ENOSPC');
  });
});
