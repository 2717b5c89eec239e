import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Content } from '../../src/content.ts';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import {
  Quarantine,
  type QuarantineEntry,
  type QuarantineItem,
  type Removal,
} from '../../src/store/quarantine.ts';
import { readWhole } from '../../src/store/stored-file.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryFiles, type Fault } from '../support/memory-files.ts';

const message = Buffer.from('Subject: x\r\n\r\n8-bit \xe4, a bare \r, \0\r\n.\r\n', 'latin1');
const hour = 3_600_000;
const noon = Date.UTC(2025, 0, 31, 12);

function contentOf(...chunks: Buffer[]): Content {
  return {
    size: chunks.reduce((sum, { length }) => sum + length, 0),
    complete: true,
    digest: sha256(Buffer.concat(chunks)),
    async *chunks() {
      for (const chunk of chunks) {
        await Promise.resolve();
        yield chunk;
      }
    },
  };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const entry: QuarantineEntry = {
  listener: '127.0.0.1:10024',
  verdict: 'infected',
  coverage: 'full',
  findings: [{ kind: 'infected', stream: '1.2', detail: 'Eicar-Signature' }],
  envelope: {
    client: { name: 'client.example', addr: '192.0.2.1', ident: '4bXyZ12345z6Bc' },
    reversePath: {
      address: 'a@example.org',
      parameters: [{ keyword: 'BODY', value: '8BITMIME' }, { keyword: 'SMTPUTF8' }],
    },
    recipients: [
      { address: 'b@example.org', parameters: [{ keyword: 'ORCPT', value: 'rfc822;b+2B@x' }] },
      { address: 'c@example.org', parameters: [] },
    ],
  },
  digest: sha256(message),
  queueId: '4bXyZ12345z6Bc',
  messageId: '<m@example.org>',
};

function open(files = new MemoryFiles(), clock = new FakeClock(noon)) {
  const removals: Removal[] = [];
  const quarantine = new Quarantine({
    files,
    directory: '/var/quarantine',
    clock,
    removed: (removal) => removals.push(removal),
  });
  const store = (bytes = message) =>
    quarantine.store(
      contentOf(bytes.subarray(0, 7), bytes.subarray(7)),
      { ...entry, digest: sha256(bytes) },
      new AbortController().signal,
    );
  return { files, clock, removals, quarantine, store };
}

async function bytesOf(quarantine: Quarantine, id: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of quarantine.open(id)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const pathOf = (id: string, ending: string) => `/var/quarantine/2025/01/31/${id}.${ending}`;

/** What is listed is whole: sidecar and message, byte for byte. */
async function expectWhole(quarantine: Quarantine, items: readonly QuarantineItem[]) {
  for (const item of items) {
    expect(item.kind).toBe('whole');
    expect((await bytesOf(quarantine, item.id)).equals(message)).toBe(true);
  }
}

describe('a stored message', () => {
  test('is there with all that is known of it', async () => {
    const { files, quarantine, store } = open();
    const id = await store();
    const { digest, ...known } = entry;
    expect(await quarantine.show(id)).toEqual({
      kind: 'whole',
      id,
      record: {
        version: 1,
        id,
        time: '2025-01-31T12:00:00.000Z',
        size: message.length,
        sha256: digest,
        ...known,
        releases: [],
      },
    });
    expect(await bytesOf(quarantine, id)).toEqual(message);
    expect(files.paths()).toEqual([pathOf(id, 'eml'), pathOf(id, 'json')]);
    expect(files.handles).toBe(0);
  });

  test('may be empty', async () => {
    const { quarantine, store } = open();
    const id = await store(Buffer.alloc(0));
    expect(await bytesOf(quarantine, id)).toHaveLength(0);
  });

  test('is listed with the others, oldest first', async () => {
    const { clock, quarantine, store } = open();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      ids.push(await store());
      clock.advance(20 * hour);
    }
    expect((await quarantine.list()).map(({ id }) => id)).toEqual(ids);
  });

  test('is refused when its bytes are not those that were received', async () => {
    const { files, quarantine } = open();
    const storing = quarantine.store(
      contentOf(Buffer.from('other')),
      entry,
      new AbortController().signal,
    );
    await expect(storing).rejects.toMatchObject({ code: 'STORE' });
    expect(files.paths()).toEqual([]);
  });

  test('is taken back when its content is called off', async () => {
    const { files, quarantine } = open();
    const content: Content = {
      ...contentOf(),
      async *chunks() {
        yield message;
        await Promise.resolve();
        throw new Cancelled('deadline');
      },
    };
    const storing = quarantine.store(content, entry, new AbortController().signal);
    await expect(storing).rejects.toEqual(new Cancelled('deadline'));
    expect(files.paths()).toEqual([]);
    expect(files.handles).toBe(0);
  });
});

describe('storing with a fault at each file operation', () => {
  const faults: Omit<Fault, 'at'>[] = [
    { kind: 'ENOSPC' },
    { kind: 'EIO' },
    { kind: 'ENOSPC', persistent: true },
    { kind: 'EIO', persistent: true },
  ];
  test.each(faults)('%j leaves nothing half', async (fault) => {
    let at = 1;
    for (; ; at++) {
      const { files, quarantine, store } = open();
      files.failAt({ at, ...fault });
      const result = await store().catch((error: unknown) => error);
      const { faulted } = files;
      files.failAt(undefined);
      const items = await quarantine.list();
      await expectWhole(quarantine, items);
      expect(files.handles).toBe(0);
      if (!faulted) break;
      expect(result).toBeInstanceOf(OperationalError);
      if (!fault.persistent) {
        expect(items).toEqual([]);
        expect(files.paths()).toEqual([]);
      }
    }
    expect(at).toBeGreaterThan(15);
  });

  test('a message is safe also in a folder that an earlier failure left half made', async () => {
    for (let at = 1; ; at++) {
      const { files, quarantine, store } = open();
      files.failAt({ at, kind: 'EIO' });
      await store().catch(() => undefined);
      if (!files.faulted) return;
      files.failAt(undefined);
      const id = await store();
      expect(await bytesOf(quarantine, id)).toEqual(message);
      expect(files.afterCrash().paths()).toContain(pathOf(id, 'json'));
    }
  });

  test.each<{ name: string; survives: (name: string) => boolean }>([
    { name: 'loses all that was not synced', survives: () => false },
    { name: 'keeps all that was not synced', survives: () => true },
    { name: 'keeps names without their bytes', survives: (name) => !name.endsWith(' bytes') },
    { name: 'keeps only sidecar names', survives: (name) => name.endsWith('.json') },
    { name: 'keeps only message names', survives: (name) => name.endsWith('.eml') },
  ])('a crash that $name leaves the message whole or not listed', async ({ survives }) => {
    let at = 1;
    for (; ; at++) {
      const { files, store } = open();
      files.failAt({ at, kind: 'crash' });
      const id = await store().catch(() => undefined);
      const after = open(files.afterCrash(survives), new FakeClock(noon + 48 * hour));
      const items = await after.quarantine.list();
      await expectWhole(after.quarantine, items);
      if (id !== undefined) expect(items.map((item) => item.id)).toEqual([id]);
      await after.quarantine.expire({ ageMsMax: 1000 * hour, bytesMax: 1e9 }, noon + 48 * hour);
      const leftFiles = after.files.paths().length;
      expect(leftFiles).toBe(2 * items.length);
      if (!files.faulted) break;
      expect(id).toBeUndefined();
    }
    expect(at).toBeGreaterThan(15);
  });

  test('two messages on one day do not touch each other', async () => {
    for (let at = 1; ; at++) {
      const { files, quarantine, store } = open();
      const first = await store();
      files.failAt({ at, kind: 'crash' });
      await store().catch(() => undefined);
      const after = open(files.afterCrash()).quarantine;
      expect((await after.list()).map(({ id }) => id)).toContain(first);
      await expectWhole(after, await after.list());
      if (!files.faulted) break;
      files.failAt(undefined);
      expect(await quarantine.show(first)).toMatchObject({ kind: 'whole' });
    }
  });
});

describe('a damaged message', () => {
  const damages: {
    name: string;
    damage: (files: MemoryFiles, id: string) => void;
    problem: RegExp;
  }[] = [
    {
      name: 'a sidecar that is no JSON',
      damage: (files, id) => {
        files.plant(pathOf(id, 'json'), Buffer.from('{'));
      },
      problem: /JSON/,
    },
    {
      name: 'an empty sidecar',
      damage: (files, id) => {
        files.plant(pathOf(id, 'json'), Buffer.alloc(0));
      },
      problem: /JSON/,
    },
    {
      name: 'a sidecar without what it needs',
      damage: (files, id) => {
        files.plant(pathOf(id, 'json'), Buffer.from('{"version":1}'));
      },
      problem: /envelope/,
    },
    {
      name: 'a message of another size',
      damage: (files, id) => {
        files.plant(pathOf(id, 'eml'), Buffer.from('x'));
      },
      problem: /has 1 bytes/,
    },
  ];
  test.each(damages)('is listed with what is wrong: $name', async ({ damage, problem }) => {
    const { files, quarantine, store } = open();
    const id = await store();
    damage(files, id);
    const items = await quarantine.list();
    expect(items).toEqual([{ kind: 'damaged', id, problem: expect.stringMatching(problem) }]);
    expect(await quarantine.show(id)).toEqual(items[0]);
  });

  test('is listed when the message itself is gone', async () => {
    const { files, quarantine, store } = open();
    const id = await store();
    await files.unlink(pathOf(id, 'eml'));
    expect(await quarantine.list()).toMatchObject([{ kind: 'damaged', id }]);
  });

  test('is listed when it lies where it does not belong, or speaks of another', async () => {
    const { files, quarantine, store } = open();
    const id = await store();
    const other = id.replace(/.{12}$/, '000000000000');
    await files.rename(pathOf(id, 'json'), pathOf(other, 'json'));
    files.plant(`/var/quarantine/${id}.json`, Buffer.from('{}'));
    files.plant('/var/quarantine/notes.json', Buffer.from('{}'));
    const problems = (await quarantine.list()).map(
      (item) => item.kind === 'damaged' && item.problem,
    );
    expect(problems).toEqual([
      expect.stringContaining(`speaks of another message, ${id}`),
      expect.stringContaining('belongs into the folder 2025/01/31'),
      expect.stringContaining('not that of a quarantined message'),
    ]);
  });

  test('is listed when it cannot be read, and the others with it', async () => {
    const { files, quarantine, store } = open();
    await store();
    await store();
    const before = files.operations;
    await quarantine.list();
    const operations = files.operations - before;
    for (let at = 1; at <= operations; at++) {
      files.failAt({ at, kind: 'EIO' });
      const items = await quarantine.list().catch((error: unknown) => error);
      if (Array.isArray(items)) expect(items).toHaveLength(2);
      else expect(items).toBeInstanceOf(OperationalError);
    }
  });

  test('does not expire, and is removed only by name', async () => {
    const { files, removals, quarantine, store } = open();
    const id = await store();
    files.plant(pathOf(id, 'json'), Buffer.from('{'));
    expect(await quarantine.expire({ ageMsMax: 0, bytesMax: 0 }, noon + 1000 * hour)).toEqual([]);
    expect(await quarantine.list()).toHaveLength(1);
    expect(await quarantine.remove(id, 'deleted')).toBe(true);
    expect(removals).toEqual([{ id, why: 'deleted' }]);
    expect(files.paths()).toEqual([]);
  });
});

describe('removing', () => {
  test('takes all of a message away, and tells', async () => {
    const { files, removals, quarantine, store } = open();
    const id = await store();
    const item = await quarantine.show(id);
    expect(await quarantine.remove(id, 'deleted')).toBe(true);
    expect(files.paths()).toEqual([]);
    expect(files.afterCrash().paths()).toEqual([]);
    expect(removals).toEqual([
      { id, why: 'deleted', record: item?.kind === 'whole' && item.record },
    ]);
    expect(await quarantine.remove(id, 'deleted')).toBe(false);
    expect(removals).toHaveLength(1);
  });

  test.each(['../secret', '/etc/passwd', '', '20250131T120000000Z-000000000000'])(
    'finds nothing under %j',
    async (id) => {
      const { files, quarantine, store } = open();
      await store();
      files.plant('/var/secret.json', Buffer.from('{}'));
      const before = files.paths();
      expect(await quarantine.show(id)).toBeUndefined();
      expect(await quarantine.remove(id, 'deleted')).toBe(false);
      expect(files.paths()).toEqual(before);
    },
  );

  test('is never half and never untold, whatever fails', async () => {
    for (let at = 1; ; at++) {
      const { files, removals, quarantine, store } = open();
      const id = await store();
      files.failAt({ at, kind: 'EIO', persistent: true });
      await quarantine.remove(id, 'deleted').catch(() => undefined);
      const { faulted } = files;
      files.failAt(undefined);
      const items = await quarantine.list();
      await expectWhole(quarantine, items);
      expect(removals).toHaveLength(items.length === 0 ? 1 : 0);
      if (!faulted) break;
    }
  });

  test('bytes are asked for by id only', () => {
    const { quarantine } = open();
    expect(() => quarantine.open('../secret')).toThrow('paths are made of ids only');
  });
});

describe('expiry', () => {
  async function withFive() {
    const opened = open();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      ids.push(await opened.store());
      opened.clock.advance(hour);
    }
    return { ...opened, ids };
  }
  const { length } = message;

  const cases = [
    {
      name: 'keeps what is within both limits',
      ageMsMax: 6 * hour,
      bytesMax: 5 * length,
      gone: [],
    },
    {
      name: 'takes what is too old',
      ageMsMax: 3 * hour,
      bytesMax: 5 * length,
      gone: ['expired-age', 'expired-age'],
    },
    {
      name: 'takes the oldest of what is too much',
      ageMsMax: 6 * hour,
      bytesMax: 5 * length - 1,
      gone: ['expired-size'],
    },
    {
      name: 'counts what went by age towards the size',
      ageMsMax: 4 * hour,
      bytesMax: 3 * length,
      gone: ['expired-age', 'expired-size'],
    },
    {
      name: 'can take all',
      ageMsMax: 6 * hour,
      bytesMax: 0,
      gone: Array<string>(5).fill('expired-size'),
    },
  ];
  test.each(cases)('$name', async ({ ageMsMax, bytesMax, gone }) => {
    const { quarantine, clock, removals, ids } = await withFive();
    const removed = await quarantine.expire({ ageMsMax, bytesMax }, clock.now());
    expect(removed.map(({ id, why }) => ({ id, why }))).toEqual(
      gone.map((why, index) => ({ id: ids[index], why })),
    );
    expect(removals).toEqual(removed);
    expect((await quarantine.list()).map(({ id }) => id)).toEqual(ids.slice(gone.length));
  });

  test('takes leftovers after a day, not what may still be under way', async () => {
    const { files, quarantine } = open();
    const id = '20250131T120000000Z-000000000000';
    files.plant(pathOf(id, 'eml'), message);
    files.plant(pathOf(id, 'json.tmp'), message);
    files.plant('/var/quarantine/2025/01/31/README', message);
    const limits = { ageMsMax: 0, bytesMax: 0 };
    expect(await quarantine.list()).toEqual([]);
    expect(await quarantine.expire(limits, noon + 24 * hour)).toEqual([]);
    expect(files.paths()).toHaveLength(3);
    expect(await quarantine.expire(limits, noon + 24 * hour + 1)).toEqual([
      { id, why: 'leftover' },
    ]);
    expect(files.paths()).toEqual(['/var/quarantine/2025/01/31/README']);
  });

  test('one that cannot be removed keeps none of the others, and is told of', async () => {
    const { quarantine, clock, ids, files } = await withFive();
    const unlink = files.unlink.bind(files);
    files.unlink = (path) =>
      path.includes(ids[1] ?? '') ? Promise.reject(new Error('immutable')) : unlink(path);
    const expiring = quarantine.expire({ ageMsMax: 2 * hour, bytesMax: 5 * length }, clock.now());
    await expect(expiring).rejects.toThrow('immutable');
    expect((await quarantine.list()).map(({ id }) => id)).toEqual([ids[1], ids[3], ids[4]]);
  });

  test('a file system of its own has a folder that only root may read', async () => {
    const { quarantine, clock, ids, files } = await withFive();
    files.plant('/var/quarantine/lost+found/x', message);
    const list = files.list.bind(files);
    files.list = (path) =>
      path.includes('lost+found') ? Promise.reject(new Error('EACCES')) : list(path);
    expect((await quarantine.list()).map(({ id }) => id)).toEqual(ids);
    const removed = await quarantine.expire({ ageMsMax: 0, bytesMax: 0 }, clock.now());
    expect(removed).toHaveLength(5);
  });

  test('works where nothing was ever stored', async () => {
    const { quarantine } = open();
    expect(await quarantine.expire({ ageMsMax: 0, bytesMax: 0 }, noon)).toEqual([]);
  });
});

describe('a release', () => {
  const begun = {
    time: '2025-02-01T00:00:00.000Z',
    results: [{ recipient: 'b@example.org', outcome: 'unknown' as const, reply: '' }],
  };
  const ended = {
    time: begun.time,
    results: [{ recipient: 'b@example.org', outcome: 'accepted' as const, reply: '250 Ok' }],
  };
  const later = { ...ended, time: '2025-02-02T00:00:00.000Z' };

  async function releasesOf(quarantine: Quarantine, id: string) {
    const item = await quarantine.show(id);
    return item?.kind === 'whole' ? item.record.releases : undefined;
  }

  test('is noted, and its end takes the place of its begin', async () => {
    const { quarantine, store } = open();
    const id = await store();
    await quarantine.noteRelease(id, begun);
    expect(await releasesOf(quarantine, id)).toEqual([begun]);
    await quarantine.noteRelease(id, ended);
    expect(await releasesOf(quarantine, id)).toEqual([ended]);
    await quarantine.noteRelease(id, later);
    expect(await releasesOf(quarantine, id)).toEqual([ended, later]);
  });

  test('is noted wholly or not at all, whatever fails, and can be noted again', async () => {
    for (const survives of [() => false, () => true]) {
      for (let at = 1; ; at++) {
        const { files, store, quarantine } = open();
        const id = await store();
        files.failAt({ at, kind: 'crash' });
        const noted = await quarantine.noteRelease(id, begun).then(
          () => true,
          () => false,
        );
        const after = open(files.afterCrash(survives)).quarantine;
        const releases = await releasesOf(after, id);
        expect(noted ? [[begun]] : [[], [begun]]).toContainEqual(releases);
        await expectWhole(after, await after.list());
        await after.noteRelease(id, ended);
        expect(await releasesOf(after, id)).toEqual([ended]);
        if (!files.faulted) break;
      }
    }
  });

  test('leaves the sidecar to those who had it, or is not noted', async () => {
    const { files, quarantine, store } = open();
    const id = await store();
    const sidecar = pathOf(id, 'json');
    const ownership = { uid: 123, gid: 456, mode: 0o640 };
    files.plant(sidecar, await readWhole(files, sidecar), ownership);
    await quarantine.noteRelease(id, begun);
    expect(await releasesOf(quarantine, id)).toEqual([begun]);
    expect(await files.ownershipOf(sidecar)).toEqual(ownership);
    files.create = () => Promise.reject(new OperationalError('STORE', 'EPERM'));
    await expect(quarantine.noteRelease(id, ended)).rejects.toMatchObject({ code: 'STORE' });
    expect(await releasesOf(quarantine, id)).toEqual([begun]);
  });

  test('cannot be noted of what is not there', async () => {
    const { quarantine } = open();
    const noting = quarantine.noteRelease('20250131T120000000Z-000000000000', begun);
    await expect(noting).rejects.toMatchObject({ code: 'STORE' });
  });
});

test('preparing makes the directory, and fails where nothing can be written', async () => {
  const { files, quarantine } = open();
  await quarantine.prepare();
  expect(await files.list('/var')).toEqual([{ name: 'quarantine', isDirectory: true }]);
  files.failAt({ at: 1, kind: 'EIO', persistent: true });
  await expect(quarantine.prepare()).rejects.toMatchObject({ code: 'STORE' });
});
