import { expect, test } from '@jest/globals';
import { LentStreams } from '../../src/scan/lent-streams.ts';
import { ServedChunks } from '../../src/scan/port-chunks.ts';

const chunks = ['a', 'b', 'c'].map((text) => Buffer.from(text));

function* arriving(): Generator<Buffer, void> {
  yield* chunks;
}

function* failing(): Generator<Buffer, void> {
  yield Buffer.from('a');
  throw new RangeError('it broke off');
}

test('what is there is given as it is, in memory of its own', async () => {
  const lent = new LentStreams(new ServedChunks());
  const given = await lent.lend({ open: () => chunks, repeatable: true }, (stream) =>
    Promise.resolve(stream),
  );
  expect(given).toEqual(new Uint8Array(Buffer.from('abc')));
  expect((given as Uint8Array).buffer.byteLength).toBe(3);
});

test('a stream that was answered cannot be read on, nor opened', async () => {
  const served = new ServedChunks();
  const lent = new LentStreams(served);
  let number = 0;
  let reader = 0;
  const source = { open: arriving, repeatable: true };
  await lent.lend(source, async (stream) => {
    number = stream as number;
    await served.next(lent.open(number));
    // Again from its start.
    reader = lent.open(number);
    expect(await served.next(reader)).toEqual(new Uint8Array(Buffer.from('a')));
  });
  await expect(served.next(reader)).rejects.toThrow('was left');
  expect(() => lent.open(number)).toThrow('no longer there');
});

test('what reading it threw is thrown, whatever became of that elsewhere', async () => {
  const served = new ServedChunks();
  const lent = new LentStreams(served);
  const scan = lent.lend({ open: failing, repeatable: false }, async (stream) => {
    const reader = lent.open(stream as number);
    await served.next(reader);
    await served.next(reader).catch(() => {
      throw new Error('something was thrown there');
    });
  });
  await expect(scan).rejects.toThrow(RangeError);
});
