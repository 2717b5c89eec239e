import {
  copyFile,
  readdir,
  readFile,
  stat,
  truncate,
  unlink,
  writeFile,
  chmod,
} from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nodeFiles, type Files } from '../../src/store/files.ts';
import { beside, findOrCreate, mark } from '../../src/store/ledger-place.ts';
import { openLedgerReader } from '../../src/store/ledger-reader.ts';
import type { SqliteLedger } from '../../src/store/sqlite-ledger.ts';
import { entry, LedgerBench } from '../support/ledgers.ts';

let bench: LedgerBench;
/** Two ledgers with some hundred entries, to be copied. */
let closed: LedgerBench;
let killed: LedgerBench;

beforeAll(async () => {
  [closed, killed] = [await LedgerBench.make(), await LedgerBench.make()];
  const ledger = await closed.open();
  await ledger.commit([begin(300)]);
  await ledger.commit([{ kind: 'note', name: 'n', value: 'v' }]);
  // What a daemon that was killed leaves: the files of an open ledger.
  await copy(closed, killed);
  await closed.close(ledger);
});

afterAll(async () => {
  await closed.remove();
  await killed.remove();
});

beforeEach(async () => {
  bench = await LedgerBench.make();
});

afterEach(() => bench.remove());

const begin = (entries: number) => ({
  kind: 'begin' as const,
  entries: Array.from({ length: entries }, (_, i) => entry({ attempt: `a${i}` })),
});

async function copy(from: LedgerBench, to: LedgerBench): Promise<void> {
  for (const name of await readdir(from.directory)) {
    await copyFile(join(from.directory, name), join(to.directory, name));
  }
}

async function overwrite(path: string, at: number, length: number, by = 'Z'): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(by, at, at + length));
}

function inDatabase(sql: string): void {
  const database = new DatabaseSync(bench.file);
  database.exec(sql);
  database.close();
}

describe('a ledger', () => {
  test('is created with its directory, for nobody else', async () => {
    const file = join(bench.directory, 'a/b/ledger.db');
    const ledger = await bench.open({ file });
    await ledger.commit([begin(1)]);
    const directory = join(bench.directory, 'a/b');
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const names = await readdir(directory);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['ledger.db', 'ledger.db-wal', 'ledger.db.marker'],
        ...['ledger.db.journal', 'ledger.db.scans'],
      ]),
    );
    for (const name of names) {
      expect([name, (await stat(join(directory, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  test('goes on where it was closed', async () => {
    await copy(closed, bench);
    expect((await bench.open()).find('4Xy1')).toHaveLength(300);
  });

  test('goes on where its daemon was killed', async () => {
    await copy(killed, bench);
    const reader = openLedgerReader(bench.file);
    expect(reader.find('4Xy1')).toHaveLength(300);
    reader.close();
    expect((await bench.open()).find('4Xy1')).toHaveLength(300);
  });

  test('that was copied back without its marker gets it again', async () => {
    await copy(closed, bench);
    const marker = await readFile(beside.marker(bench.file));
    await unlink(beside.marker(bench.file));
    expect((await bench.open()).find('4Xy1')).toHaveLength(300);
    expect(await readFile(beside.marker(bench.file))).toEqual(marker);
  });

  test('is begun anew when all of it was moved away', async () => {
    await copy(closed, bench);
    for (const path of [bench.file, beside.marker(bench.file), beside.journal(bench.file)])
      await unlink(path);
    expect((await bench.open()).find('4Xy1')).toEqual([]);
  });

  test('forgets broken scans when their file is damaged, and says so', async () => {
    const digest = 'd'.repeat(64);
    const ledger = await bench.open();
    await ledger.commit([begin(1)]);
    ledger.scanBegan(digest);
    await bench.close(ledger);
    await writeFile(beside.scans(bench.file), 'x'.repeat(9000));
    const again = await bench.open();
    expect(bench.warnings).toEqual([expect.stringContaining('begun anew')]);
    expect(again.brokenScans(digest)).toBe(0);
    expect(again.find('4Xy1')).toHaveLength(1);
    again.scanBegan(digest);
    expect(again.brokenScans(digest)).toBe(1);
  });
});

describe('it is refused, and left as it is', () => {
  test.each<{ what: string; harm: () => unknown; says: string; from?: () => LedgerBench }>([
    { what: 'missing', harm: () => unlink(bench.file), says: 'is missing' },
    {
      what: 'another than the marker says',
      harm: () => writeFile(beside.marker(bench.file), `${'0'.repeat(32)}\n`),
      says: 'not the ledger that its marker tells of',
    },
    {
      what: 'beside a marker that is torn',
      harm: () => truncate(beside.marker(bench.file), 5),
      says: "does not hold a ledger's id",
    },
    { what: 'empty', harm: () => truncate(bench.file, 0), says: 'no ledger of clamgate' },
    { what: 'cut off in a page', harm: () => truncate(bench.file, 41_000), says: 'corrupt' },
    { what: 'cut off after a page', harm: () => truncate(bench.file, 40_960), says: 'corrupt' },
    { what: 'cut off in its header', harm: () => truncate(bench.file, 50), says: 'no ledger' },
    {
      what: 'overwritten in the middle',
      harm: () => overwrite(bench.file, 32_768, 4096),
      says: 'corrupt',
    },
    {
      what: 'overwritten in its header',
      harm: () => overwrite(bench.file, 0, 100),
      says: 'corrupt',
    },
    { what: 'no database', harm: () => writeFile(bench.file, 'x'.repeat(9000)), says: 'corrupt' },
    {
      what: 'of another program',
      harm: () => {
        inDatabase('PRAGMA application_id = 7');
      },
      says: 'no ledger',
    },
    {
      what: 'of a newer clamgate',
      harm: () => {
        inDatabase('PRAGMA user_version = 99');
      },
      says: 'has version 99',
    },
    {
      what: 'without its id',
      harm: () => {
        inDatabase('DELETE FROM identity');
      },
      says: 'has lost its id',
    },
    {
      what: 'of an older clamgate',
      harm: () => {
        inDatabase('PRAGMA user_version = 1');
      },
      says: 'of an older clamgate',
    },
    {
      what: 'without the journal of a daemon that was killed',
      from: () => killed,
      harm: () => unlink(beside.journal(bench.file)),
      says: 'journal is missing',
    },
    {
      what: 'beside a journal that is none',
      harm: () => truncate(beside.journal(bench.file), 5),
      says: 'journal is corrupt',
    },
    {
      what: 'beside the journal of another ledger',
      harm: () => overwrite(beside.journal(bench.file), 26, 32, '0'),
      says: 'is the journal of another ledger',
    },
    {
      what: 'gone from beside its journal',
      harm: async () => {
        for (const path of [bench.file, beside.marker(bench.file)]) await unlink(path);
      },
      says: 'its journal is there',
    },
    { what: 'read-only', harm: () => chmod(bench.file, 0o400), says: 'is read-only' },
    {
      what: 'without the -wal file of a daemon that was killed',
      from: () => killed,
      harm: () => unlink(beside.wal(bench.file)),
      says: '-wal is missing',
    },
  ])('$what', async ({ harm, says, from = () => closed }) => {
    await copy(from(), bench);
    await harm();
    const contents = () => readFile(bench.file).catch(() => 'missing');
    const before = await contents();
    await expect(bench.open()).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining(says),
    });
    expect(await contents()).toEqual(before);
  });

  test('a part of the journal that was acknowledged is damaged', async () => {
    await copy(killed, bench);
    await overwrite(beside.journal(bench.file), 4096 + 40, 4);
    await expect(bench.open()).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('a part of it is missing'),
    });
  });

  test('a directory stands in its place', async () => {
    await nodeFiles.makeDirectory(bench.file);
    await expect(bench.open()).rejects.toMatchObject({ code: 'STORE' });
  });

  test('it says what an operator can do, and what that costs', async () => {
    await copy(closed, bench);
    await unlink(bench.file);
    await expect(bench.open()).rejects.toThrow(
      /restore the ledger .* or move .*ledger\.db\.marker away to begin a new one.*delivered twice/,
    );
  });
});

test.each(['ledger.db', 'ledger.db-wal', 'ledger.db.journal'])(
  'while %s is removed under it nothing is stored, and it says so',
  async (name) => {
    const ledger = await bench.open();
    await ledger.commit([begin(1)]);
    await unlink(join(bench.directory, name));
    await expect(ledger.commit([begin(2)])).rejects.toThrow(`${name} has been removed or replaced`);
    await writeFile(join(bench.directory, name), 'another');
    await expect(ledger.commit([begin(2)])).rejects.toThrow(`${name} has been removed or replaced`);
  },
);

describe('a second daemon', () => {
  test('is refused', async () => {
    await bench.open();
    await expect(bench.open()).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('another clamgate has the ledger open'),
    });
  });

  test('waits for the first to end, when it may', async () => {
    const first = await bench.open();
    await first.commit([begin(1)]);
    let second: SqliteLedger | undefined;
    const opening = bench.open({ takeoverMs: 5000 }).then((ledger) => (second = ledger));
    await first.commit([begin(2)]);
    expect(second).toBeUndefined();
    await bench.close(first);
    expect((await opening).find('4Xy1')).toHaveLength(2);
  });
});

test('an end of the daemon at any step of creation leaves nothing that hinders the next', async () => {
  let steps = 1;
  for (let at = 1; at <= steps; at++) {
    const file = join(bench.directory, `${at}.db`);
    const files = dyingAt(at);
    const create = async () => {
      await findOrCreate(files, file);
      await mark(files, file, idOf(file));
    };
    if (
      await create().then(
        () => false,
        () => true,
      )
    )
      steps = at + 1;
    const id = await findOrCreate(nodeFiles, file);
    if (id !== undefined) expect(id).toBe(idOf(file));
    await mark(nodeFiles, file, idOf(file));
    expect(await findOrCreate(nodeFiles, file)).toBe(idOf(file));
  }
  expect(steps).toBeGreaterThan(10);
});

function idOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const id = String(database.prepare('SELECT id FROM identity').get()?.['id']);
  database.close();
  return id;
}

/** The disk, until the operation of that number; nothing happens from then on. */
function dyingAt(at: number): Files {
  let operations = 0;
  return new Proxy(nodeFiles, {
    get:
      (target, name: keyof Files) =>
      (...values: never[]) => {
        if (++operations >= at) return Promise.reject(new Error('dead'));
        return (target[name] as (...all: never[]) => unknown)(...values);
      },
  });
}
