/** Copies of main.cf and master.cf, and a change that comes about or does not. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { applyChanges } from '../../src/postfix/apply.ts';
import { putBack, seal, takeBackup, undoNewest } from '../../src/postfix/backup.ts';
import type { Change, Wanted } from '../../src/postfix/plan.ts';
import type { Ran } from '../../src/run-program.ts';
import { makeFolder, type Folder } from '../support/config-file.ts';
import { recorded, recordedPostfix } from '../support/recorded-postfix.ts';

const first = '20261127T120000000Z';
const second = '20261127T120000001Z';
const files = ['main.cf', 'master.cf'];

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
  for (const file of files) folder.write(file, `${file} as it was\n`);
});
afterEach(() => {
  folder.remove();
});

const contents = () => files.map((file) => readFileSync(join(folder.path, file), 'utf8'));
const backups = () => readdirSync(join(folder.path, 'clamgate-backup')).sort();

async function changed(stamp: string, text: string): Promise<void> {
  const backup = await takeBackup(folder.path, stamp);
  folder.write('main.cf', text);
  await seal(backup);
}

test('nothing to undo where nothing was changed', async () => {
  expect(await undoNewest(folder.path)).toEqual({ kind: 'nothing' });
});

test('the newest first, and each once', async () => {
  await changed(first, 'one');
  await changed(second, 'two');
  expect(await undoNewest(folder.path)).toMatchObject({ kind: 'undone' });
  expect(contents()[0]).toBe('one');
  expect(await undoNewest(folder.path)).toMatchObject({ kind: 'undone' });
  expect(contents()).toEqual(files.map((file) => `${file} as it was\n`));
  expect(await undoNewest(folder.path)).toEqual({ kind: 'nothing' });
  expect(backups()).toEqual([`${first}.undone`, `${second}.undone`]);
});

test.each(files)('not when %s was changed since', async (file) => {
  await changed(first, 'one');
  folder.write(file, 'by hand');
  const now = contents();
  expect(await undoNewest(folder.path)).toMatchObject({ kind: 'changed', files: [file] });
  expect(contents()).toEqual(now);
  expect(backups()).toEqual([first]);
});

test('not when the change was broken off, so that nobody knows what it left', async () => {
  await takeBackup(folder.path, first);
  expect(await undoNewest(folder.path)).toMatchObject({ kind: 'changed', files });
});

test('what is put back has the mode that the file has, and stays behind a link', async () => {
  const target = folder.write('real.cf', 'real\n');
  chmodSync(target, 0o640);
  unlinkSync(join(folder.path, 'main.cf'));
  symlinkSync(target, join(folder.path, 'main.cf'));
  const backup = await takeBackup(folder.path, first);
  writeFileSync(target, 'other\n');
  await putBack(backup);
  expect(readFileSync(target, 'utf8')).toBe('real\n');
  expect(statSync(target).mode & 0o777).toBe(0o640);
});

test('copies are for their owner alone: passwords may stand in them', async () => {
  const { folder: copies } = await takeBackup(folder.path, first);
  expect(statSync(copies).mode & 0o077).toBe(0);
});

test('a file that is not there is told as such', async () => {
  unlinkSync(join(folder.path, 'master.cf'));
  await expect(takeBackup(folder.path, first)).rejects.toMatchObject({ code: 'STORE' });
});

const settled: Wanted = { mainCf: [], masterCf: [] };
const changes: Change[] = [
  { kind: 'option', name: 'scan/unix/a', to: 'b' },
  { kind: 'setting', name: 'x', from: 'z', to: 'y' },
  { kind: 'service', name: 'scan/unix', to: 'scan unix - - n - 10 smtp' },
];

/** A Postfix that says yes, but to what `refuses` matches. */
function postfixThat(refuses: RegExp, said: string[]) {
  return (program: string, args: readonly string[]): Promise<Ran> => {
    const line = [program, ...args.slice(2)].join(' ');
    said.push(line);
    if (refuses.test(line)) return Promise.resolve({ code: 1, out: '', err: 'fatal: no\n' });
    // As postconf does: the files are others now.
    if (/^postconf -[eMP] /.test(line)) folder.write('main.cf', line);
    const output = /^postconf -(x|Mf|xP)$/.exec(line)?.[1];
    return Promise.resolve({
      code: 0,
      out: output === undefined ? '' : recorded(`postconf-${output}.txt`),
      err: '',
    });
  };
}

const here = () => ({ ...recordedPostfix(), directory: folder.path });

test('settings, then entries, then their options, each kind at once; then Postfix is asked', async () => {
  const said: string[] = [];
  await applyChanges(postfixThat(/nothing/, said), here(), { changes, wanted: settled }, first);
  expect(said.slice(0, 4)).toEqual([
    'postconf -e x=y',
    'postconf -M scan/unix=scan unix - - n - 10 smtp',
    'postconf -P scan/unix/a=b',
    'postfix check',
  ]);
  expect(await undoNewest(folder.path)).toMatchObject({ kind: 'undone' });
});

test.each(['postconf -e', 'postconf -P', 'postfix check'])(
  'what is refused at %s is put back',
  async (step) => {
    const before = contents();
    const apply = applyChanges(
      postfixThat(new RegExp(step), []),
      here(),
      { changes, wanted: settled },
      first,
    );
    await expect(apply).rejects.toThrow('Postfix: fatal: no');
    expect(contents()).toEqual(before);
    expect(backups()).toEqual([`${first}.failed`]);
    expect(await undoNewest(folder.path)).toEqual({ kind: 'nothing' });
  },
);

test('what was not changed is not touched when the rest is put back', async () => {
  const inode = () => statSync(join(folder.path, 'master.cf')).ino;
  const before = inode();
  const refusing = postfixThat(/postfix check/, []);
  const apply = applyChanges(refusing, here(), { changes, wanted: settled }, first);
  await expect(apply).rejects.toThrow('fatal: no');
  expect(inode()).toBe(before);
});

describe('a main.cf that is a link', () => {
  const main = () => join(folder.path, 'main.cf');
  let target = '';
  beforeEach(() => {
    target = folder.write('real.cf', 'real\n');
    chmodSync(target, 0o640);
    unlinkSync(main());
    symlinkSync('real.cf', main());
  });
  /** postconf(1) writes another file and gives it the name. */
  const renaming = (refuses: RegExp) => {
    const answer = postfixThat(refuses, []);
    return async (program: string, args: readonly string[]): Promise<Ran> => {
      const isEdit = /^-[eMP]$/.test(args[2] ?? '');
      const was = readFileSync(target, 'utf8');
      const ran = await answer(program, args);
      if (!isEdit || ran.code !== 0) return ran;
      const text = readFileSync(main(), 'utf8');
      rmSync(main());
      writeFileSync(target, was);
      folder.write('main.cf', text);
      return ran;
    };
  };

  test('stays one, and what it leads to is changed', async () => {
    await applyChanges(renaming(/nothing/), here(), { changes, wanted: settled }, first);
    expect(readlinkSync(main())).toBe('real.cf');
    expect(readFileSync(target, 'utf8')).toBe('postconf -P scan/unix/a=b');
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(await undoNewest(folder.path)).toMatchObject({ kind: 'undone' });
    expect(readFileSync(target, 'utf8')).toBe('real\n');
  });
  test.each(['postconf -P', 'postfix check'])('stays one when %s refuses', async (step) => {
    const refusing = renaming(new RegExp(step));
    const apply = applyChanges(refusing, here(), { changes, wanted: settled }, first);
    await expect(apply).rejects.toThrow('fatal: no');
    expect(readlinkSync(main())).toBe('real.cf');
    expect(readFileSync(target, 'utf8')).toBe('real\n');
  });
});

test('what did not become as it was to be is put back', async () => {
  const wanted: Wanted = { mainCf: [{ name: 'content_filter', value: 'other:' }], masterCf: [] };
  const before = contents();
  const apply = applyChanges(postfixThat(/nothing/, []), here(), { changes, wanted }, first);
  await expect(apply).rejects.toThrow('not as it was to be after all: content_filter');
  expect(contents()).toEqual(before);
  expect(existsSync(join(folder.path, 'main.cf.clamgate'))).toBe(false);
});
