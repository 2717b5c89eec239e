import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { prepareSpoolDirectory, Spool } from '../../src/store/spool.ts';
import { MemoryFiles } from '../support/memory-files.ts';

const memoryBytes = 10;

async function openSpool(files = new MemoryFiles(), limit = memoryBytes) {
  await prepareSpoolDirectory(files, '/spool');
  return { files, spool: new Spool({ files, directory: '/spool', memoryBytes: limit }) };
}

async function read(spool: Spool, signal = new AbortController().signal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of spool.chunks(signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

/** Lets everything that waits on promises alone go as far as it can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a content within the memory ceiling', () => {
  test('stays in memory, and nothing has to be waited for', async () => {
    const { files, spool } = await openSpool();
    const before = files.operations;
    expect(spool.write(Buffer.from('0123456789'))).toBeUndefined();
    spool.end();
    expect(await read(spool)).toBe('0123456789');
    expect(files.operations).toBe(before);
  });

  test('may be empty', async () => {
    const { spool } = await openSpool();
    spool.end();
    expect(await read(spool)).toBe('');
    expect(spool.digest).toBe(createHash('sha256').digest('hex'));
  });
});

describe('a content beyond it', () => {
  test('moves to a file that has no name', async () => {
    const { files, spool } = await openSpool();
    await spool.write(Buffer.from('01234'));
    await spool.write(Buffer.from('56789a'));
    expect(files.paths()).toEqual([]);
    expect(files.handles).toBe(1);
    await spool.write(Buffer.from('bc'));
    spool.end();
    expect(await read(spool)).toBe('0123456789abc');
    expect(spool.size).toBe(13);
  });

  test('is read back in pieces of bounded size', async () => {
    const { spool } = await openSpool();
    const whole = Buffer.alloc(200_000, 'abc');
    await spool.write(whole);
    spool.end();
    const chunks: Buffer[] = [];
    for await (const chunk of spool.chunks(new AbortController().signal)) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(whole)).toBe(true);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  });
});

test('size and completeness tell what readers can have', async () => {
  const { spool } = await openSpool();
  await spool.write(Buffer.from('012'));
  expect([spool.size, spool.complete]).toEqual([3, false]);
  expect(() => spool.digest).toThrow('a digest is asked for after the end');
  spool.end();
  expect([spool.size, spool.complete]).toEqual([3, true]);
});

test('readers at any pace get all bytes, whenever they begin', async () => {
  const length = fc.constantFrom(0, 1, 4, 7, 30);
  const plan = fc.array(fc.record({ length, readerBegins: fc.boolean(), pause: fc.boolean() }), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(plan, async (steps) => {
      const { files, spool } = await openSpool();
      const readers = [read(spool)];
      const written: Buffer[] = [];
      for (const [index, step] of steps.entries()) {
        const chunk = Buffer.alloc(step.length, 97 + index);
        if (step.readerBegins) readers.push(read(spool));
        await spool.write(chunk);
        written.push(chunk);
        if (step.pause) await settle();
      }
      spool.end();
      readers.push(read(spool));
      const whole = Buffer.concat(written);
      for (const text of await Promise.all(readers)) expect(text).toBe(whole.toString('latin1'));
      expect(spool.digest).toBe(createHash('sha256').update(whole).digest('hex'));
      spool.dispose();
      await settle();
      expect(files.handles).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('a reader that has caught up gets more as soon as it is there', async () => {
  const { spool } = await openSpool();
  const reader = spool.chunks(new AbortController().signal);
  await spool.write(Buffer.from('ab'));
  expect((await reader.next()).value?.toString()).toBe('ab');
  const next = reader.next();
  await spool.write(Buffer.from('cd'));
  expect((await next).value?.toString()).toBe('cd');
  const end = reader.next();
  spool.end();
  expect((await end).done).toBe(true);
});

describe('readers are released', () => {
  const endings: {
    name: string;
    end: (spool: Spool, controller: AbortController) => void;
    error: unknown;
  }[] = [
    {
      name: 'when the spool is disposed of',
      end: (spool) => {
        spool.dispose();
      },
      error: new Cancelled('not-needed'),
    },
    {
      name: 'when the content is given up',
      end: (spool) => {
        spool.fail(new Cancelled('peer-gone'));
      },
      error: new Cancelled('peer-gone'),
    },
    {
      name: 'when their signal is aborted',
      end: (_, controller) => {
        controller.abort(new Cancelled('deadline'));
      },
      error: new Cancelled('deadline'),
    },
  ];
  describe.each(endings)('$name', ({ end, error }) => {
    test.each([5, 50])('with %i bytes so far', async (length) => {
      const { spool } = await openSpool();
      await spool.write(Buffer.alloc(length));
      const controller = new AbortController();
      const waiting = read(spool, controller.signal);
      const unwatched = expect(waiting).rejects.toEqual(error);
      await settle();
      end(spool, controller);
      await unwatched;
      await expect(read(spool, controller.signal)).rejects.toEqual(error);
    });
  });

  test('also when the file is closed while they read', async () => {
    const { spool } = await openSpool();
    await spool.write(Buffer.alloc(50));
    const reading = expect(read(spool)).rejects.toEqual(new Cancelled('not-needed'));
    spool.dispose();
    await reading;
  });

  test('only those whose signal it is', async () => {
    const { spool } = await openSpool();
    const controller = new AbortController();
    const gone = expect(read(spool, controller.signal)).rejects.toBeInstanceOf(Cancelled);
    const other = read(spool);
    await settle();
    controller.abort();
    await gone;
    await spool.write(Buffer.from('x'));
    spool.end();
    expect(await other).toBe('x');
  });
});

describe('disposing', () => {
  test('any number of times closes the file once', async () => {
    const { files, spool } = await openSpool();
    await spool.write(Buffer.alloc(50));
    spool.dispose();
    spool.dispose();
    await settle();
    expect(files.handles).toBe(0);
  });

  test('in the middle of a write closes the file after it', async () => {
    const { files, spool } = await openSpool();
    const writing = spool.write(Buffer.alloc(50));
    spool.dispose();
    await writing;
    await settle();
    expect(files.handles).toBe(0);
    expect(files.paths()).toEqual([]);
  });
});

test('the first failure counts', async () => {
  const { spool } = await openSpool();
  spool.fail(new Cancelled('peer-gone'));
  spool.fail(new Cancelled('deadline'));
  await expect(read(spool)).rejects.toEqual(new Cancelled('peer-gone'));
  await expect(spool.write(Buffer.from('x'))).rejects.toEqual(new Cancelled('peer-gone'));
});

test('one write at a time, and none after the end', async () => {
  const { spool } = await openSpool();
  const writing = spool.write(Buffer.alloc(50));
  expect(() => spool.write(Buffer.alloc(1))).toThrow('one write at a time');
  expect(() => {
    spool.end();
  }).toThrow('after the last write was awaited');
  await writing;
  spool.end();
  expect(() => spool.write(Buffer.alloc(1))).toThrow('nothing is written after the end');
});

test.each(['ENOSPC', 'EIO'] as const)(
  '%s at each operation fails writer and readers, and leaves nothing open',
  async (kind) => {
    let at = 1;
    for (; ; at++) {
      const { files, spool } = await openSpool();
      files.failAt({ at, kind });
      const waiting = read(spool).catch((error: unknown) => error);
      const writing = (async () => {
        await spool.write(Buffer.alloc(8));
        await spool.write(Buffer.alloc(8));
        await spool.write(Buffer.alloc(8));
        spool.end();
      })();
      const error: unknown = await writing.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const outcome = await waiting;
      spool.dispose();
      await settle();
      expect(files.handles).toBe(0);
      if (!files.faulted) {
        expect(outcome).toBe('\0'.repeat(24));
        break;
      }
      const isLate = error === undefined && typeof outcome === 'string';
      if (isLate) continue; // the fault hit the close, which nobody depends on
      expect(outcome).toBeInstanceOf(OperationalError);
      if (error !== undefined) {
        expect(error).toBeInstanceOf(OperationalError);
        expect(spool.complete).toBe(false);
      }
    }
    expect(at).toBeGreaterThan(5);
  },
);

test('what a crash has left is removed at the start, and nothing else', async () => {
  const files = new MemoryFiles();
  files.plant(`/spool/${'0a'.repeat(16)}.spool`, Buffer.from('x'));
  files.plant(`/spool/${'0a'.repeat(16)}.probe`, Buffer.from('x'));
  files.plant('/spool/README', Buffer.from('x'));
  await prepareSpoolDirectory(files, '/spool');
  expect(files.paths()).toEqual(['/spool/README']);
});

describe('chunks that need not last', () => {
  const whole = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

  test.each([
    [1, 1],
    [2, 2],
    [Infinity, 5],
  ])('where %d have to, there are %d buffers', async (lasting, buffers) => {
    const { spool } = await openSpool();
    await spool.write(whole);
    spool.end();
    const memory = new Set<ArrayBufferLike>();
    const held: Buffer[] = [];
    let at = 0;
    for await (const chunk of spool.chunks(new AbortController().signal, 0, lasting)) {
      memory.add(chunk.buffer);
      held.push(chunk);
      // As many as have to last are what they were.
      const lasts = held.slice(-lasting);
      at += chunk.length;
      const from = at - lasts.reduce((sum, { length }) => sum + length, 0);
      expect(Buffer.concat(lasts).equals(whole.subarray(from, at))).toBe(true);
    }
    expect([at, memory.size]).toEqual([whole.length, buffers]);
  });

  test('nothing is read where the end is waited for', async () => {
    const { files, spool } = await openSpool();
    await spool.write(whole);
    const before = files.operations;
    const end = spool.chunks(new AbortController().signal, Infinity).next();
    spool.end();
    expect((await end).done).toBe(true);
    expect(files.operations).toBe(before);
  });
});
