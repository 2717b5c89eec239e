/** Signatures in directories: which there are, what replaces what, and how delivered ones are taken. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { appendFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  databaseNumber,
  fingerprint,
  isDatabase,
  listDatabases,
  superseded,
} from '../../../src/cli/update/databases.ts';
import { install, overlay, setApart } from '../../../src/cli/update/delivered.ts';
import { ReloadLog } from '../../../src/cli/update/reload-log.ts';
import { type Folder, makeFolder } from '../../support/config-file.ts';
import { unsignedDatabase } from '../../support/private-clamd.ts';

let folder: Folder;
let installed: string;
let delivered: string;
let apart: string;

beforeEach(() => {
  folder = makeFolder();
  [installed, delivered, apart] = ['installed', 'delivered', 'apart'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  mkdirSync(installed);
  mkdirSync(delivered);
});
afterEach(() => {
  folder.remove();
});

const put = (directory: string, name: string, text = name): void => {
  writeFileSync(join(directory, name), text);
};
const max = 1_000_000;

test.each([
  ['main.cvd', true],
  ['daily.cld', true],
  ['daily.cud', true],
  ['x.hdb', true],
  ['x.ign2', true],
  ['x.yara', true],
  ['main.cvd.sign', true],
  ['freshclam.dat', false],
  ['daily.cvd.clamgate-new', false],
  ['.daily.cvd', false],
  ['tmp.1a2b', false],
  ['README', false],
])('clamd would load %s: %s', (name, expected) => {
  expect(isDatabase(name)).toBe(expected);
});

test.each([
  ['daily.cvd', ['daily.cld']],
  ['daily.cud', ['daily.cld']],
  ['daily.cld', []],
  ['daily.hdb', []],
  ['main.cvd', []],
])('%s replaces %j', (name, expected) => {
  expect(superseded(name, ['daily.cld', 'main.cvd', 'daily.ndb', 'x.hdb'])).toEqual(expected);
});

test('the number is the greatest of the daily ones', async () => {
  expect(await databaseNumber(installed)).toBeUndefined();
  writeFileSync(join(installed, 'daily.cud'), unsignedDatabase(100, ''));
  expect(await databaseNumber(installed)).toBe(100);
  put(installed, 'daily.cvd', 'ClamAV-VDB:01 Jan 2026 00-00 +0000:27000:9:90:X:X:b:1');
  put(installed, 'main.cvd', 'ClamAV-VDB:01 Jan 2026 00-00 +0000:99999:9:90:X:X:b:1');
  put(installed, 'daily.cld', 'nothing of ours');
  expect(await databaseNumber(installed)).toBe(27000);
});

test.each<[string, () => void]>([
  [
    'content',
    () => {
      appendFileSync(join(installed, 'a.hdb'), 'x');
    },
  ],
  [
    'a file',
    () => {
      writeFileSync(join(installed, 'c.hdb'), '');
    },
  ],
  [
    'a name',
    () => {
      renameSync(join(installed, 'a.hdb'), join(installed, 'c.hdb'));
    },
  ],
])('the fingerprint is another when %s is, and only then', async (_, change) => {
  put(installed, 'a.hdb');
  const print = async () => fingerprint(await listDatabases(installed));
  const before = await print();
  // What freshclam does each time.
  put(installed, 'freshclam.dat', 'checked again');
  expect(await print()).toBe(before);
  change();
  expect(await print()).not.toBe(before);
});

test('a file of the same size and time of modification is seen by its change', async () => {
  put(installed, 'a.hdb', 'one');
  const { atime, mtime } = statSync(join(installed, 'a.hdb'));
  const before = fingerprint(await listDatabases(installed));
  put(installed, 'a.hdb', 'two');
  utimesSync(join(installed, 'a.hdb'), atime, mtime);
  expect(fingerprint(await listDatabases(installed))).not.toBe(before);
});

test('directories are no signatures', async () => {
  mkdirSync(join(installed, 'x.hdb'));
  expect(await listDatabases(installed)).toEqual([]);
});

test('set apart is what differs, and nothing else', async () => {
  put(installed, 'same.hdb');
  put(installed, 'changed.hdb', 'old');
  put(delivered, 'same.hdb');
  put(delivered, 'changed.hdb', 'new');
  put(delivered, 'fresh.ndb');
  put(delivered, 'NOTES');
  mkdirSync(apart);
  put(apart, 'left.hdb');
  const taken = await setApart(delivered, installed, apart, max);
  expect(taken?.names).toEqual(['changed.hdb', 'fresh.ndb']);
  expect(readdirSync(apart).sort()).toEqual(['changed.hdb', 'fresh.ndb']);
});

test('nothing that differs is nothing', async () => {
  put(installed, 'same.hdb');
  put(delivered, 'same.hdb');
  expect(await setApart(delivered, installed, apart, max)).toBeUndefined();
});

test('too much is not taken', async () => {
  put(delivered, 'a.hdb', 'x'.repeat(11));
  await expect(setApart(delivered, installed, apart, 10)).rejects.toThrow('at most 10 are taken');
});

test('what nobody else may read is readable for clamd when it is taken', async () => {
  put(delivered, 'a.hdb');
  chmodSync(join(delivered, 'a.hdb'), 0o600);
  const taken = await setApart(delivered, installed, apart, max);
  expect(statSync(join(apart, 'a.hdb')).mode & 0o777).toBe(0o644);
  if (taken) await install(taken, installed);
  expect(statSync(join(installed, 'a.hdb')).mode & 0o777).toBe(0o644);
});

test('the overlay loads as the directory will after it is installed', async () => {
  put(installed, 'daily.cld', 'old');
  put(installed, 'main.cvd');
  put(installed, 'freshclam.dat');
  put(delivered, 'daily.cvd', 'new');
  const taken = await setApart(delivered, installed, apart, max);
  if (!taken) throw new Error('nothing was taken');
  const into = join(folder.path, 'overlay');
  await overlay(installed, taken, into);
  const names = readdirSync(into).sort();
  const contents = names.map((name) => readFileSync(join(into, name), 'utf8'));
  expect(names).toEqual(['daily.cvd', 'main.cvd']);
  expect(contents).toEqual(['new', 'main.cvd']);
  expect(realpathSync(join(into, 'daily.cvd'))).toBe(realpathSync(join(apart, 'daily.cvd')));

  // The delivered file may change after it was tried: what was tried is what is installed.
  put(delivered, 'daily.cvd', 'newer, and not tried');
  await install(taken, installed);
  expect(readdirSync(installed).sort()).toEqual(['daily.cvd', 'freshclam.dat', 'main.cvd']);
  expect(readFileSync(join(installed, 'daily.cvd'), 'utf8')).toBe('new');
});

test('a link in the directory stays what it points to', async () => {
  put(folder.path, 'elsewhere.hdb', 'far');
  symlinkSync(join(folder.path, 'elsewhere.hdb'), join(installed, 'x.hdb'));
  expect((await listDatabases(installed)).map(({ name }) => name)).toEqual(['x.hdb']);
});

const time = 'Fri Nov 27 13:25:24 2026 -> ';

test.each<[string, string, string, string | undefined]>([
  ['nothing', '', 'nothing', undefined],
  ['other words', 'SelfCheck: Database status OK.\n', 'nothing', undefined],
  ['a beginning', 'Reading databases from /d\n', 'loading', undefined],
  [
    'an end',
    'Reading databases from /d\nDatabase correctly reloaded (3 signatures)\n',
    'loaded',
    undefined,
  ],
  [
    'a failure',
    'Reading databases from /d\nERROR: reload_th: Database load failed: Malformed database\n',
    'failed',
    'ERROR: reload_th: Database load failed: Malformed database',
  ],
  ['a file of that name', '/tmp/Database correctly reloaded (x: OK\n', 'nothing', undefined],
])('the log tells of %s', (_, text, verdict, reason) => {
  for (const prefix of ['', time]) {
    const file = folder.write('clamd.log', `${prefix}Database correctly reloaded (1 signatures)\n`);
    const log = new ReloadLog(file, { logBytesMax: 65_536 });
    expect(log.verdict()).toBe('nothing');
    appendFileSync(file, text.replace(/^(?=.)/gm, prefix));
    expect([log.verdict(), log.reason]).toEqual([verdict, reason]);
  }
});

test('a log that is rotated is read from its beginning, in pieces if it must be', () => {
  const file = folder.write('clamd.log', 'x'.repeat(500));
  const log = new ReloadLog(file, { logBytesMax: 100 });
  writeFileSync(file, 'Database correctly reloaded (1 signatures)\n');
  expect(log.verdict()).toBe('loaded');
  appendFileSync(file, 'y'.repeat(150));
  log.verdict();
  appendFileSync(file, '\nWARNING: Database reload failed, keeping the previous instance\n');
  log.verdict();
  expect(log.verdict()).toBe('failed');
});

test('no log tells nothing', () => {
  expect(new ReloadLog(undefined, { logBytesMax: 1 }).verdict()).toBe('unreadable');
  expect(new ReloadLog(`${folder.path}/none`, { logBytesMax: 1 }).verdict()).toBe('unreadable');
});
