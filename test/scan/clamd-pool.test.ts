/** A stream's way through the pool, against clamds that misbehave with mail; its life is pool-life.test.ts. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import {
  chunkLength,
  instreamCommand,
  instreamTerminator,
} from '../../src/protocol/clamd/instream.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import type { ClamdPool } from '../../src/scan/clamd-pool.ts';
import { dial } from '../../src/scan/clamd-socket.ts';
import { scanStream } from '../../src/scan/clamd-stream.ts';
import { OpenedStream, type StreamSource } from '../../src/scan/opened-stream.ts';
import type { PoolSettings } from '../../src/scan/pool-settings.ts';
import { blockBytes, inOneBuffer } from '../../src/scan/stream-blocks.ts';
import { eicar } from '../support/eicar.ts';
import { addressOf, type ClamdConduct, FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';
import { readyPool } from '../support/pool.ts';

const { signal } = new AbortController();
const clamds: FakeClamd[] = [];
const clock = new FakeClock();

afterEach(async () => {
  await Promise.all(clamds.splice(0).map((clamd) => clamd.stop()));
});

async function start(usual: ClamdConduct = { step: 'scan' }): Promise<FakeClamd> {
  const clamd = await FakeClamd.start();
  clamd.usual = usual;
  clamds.push(clamd);
  return clamd;
}

/** With clamds that are ready where they can be. */
async function poolOf(
  endpoints: readonly ClamdAddress[],
  settings: Partial<PoolSettings> = {},
): Promise<ClamdPool> {
  const times = { connectMs: 5000, silenceMs: 60_000, streamBytesMax: 300_000, waitMs: 30_000 };
  return readyPool(endpoints, { clock, settings: { ...times, ...settings } });
}

/** An address where nobody listens. */
async function deadAddress(): Promise<ClamdAddress> {
  const clamd = await FakeClamd.start();
  await clamd.stop();
  return clamd.address;
}

function source(bytes: Buffer, repeatable = true): StreamSource {
  const content = MemoryContent.of(bytes);
  return { open: () => content.chunks(signal), repeatable };
}

const small = Buffer.alloc(4096, 'x');
const large = Buffer.alloc(400_000, 'y');

describe('a stream', () => {
  it('that is small and whole is one write: command, chunk and terminator', async () => {
    const clamd = await start();
    const answer = await (await poolOf([clamd.address])).scan(source(small), signal);
    expect(answer).toMatchObject({ reply: { kind: 'ok' }, words: 'stream: OK' });
    expect(answer.endpoint).toBe(clamd.address.name);
    const [stream] = clamd.streams;
    expect(stream?.bytes.equals(small)).toBe(true);
    expect(stream).toMatchObject({ chunks: [4096], terminated: true, reads: 1 });
  });

  it('that is large arrives as it is', async () => {
    const clamd = await start();
    const bytes = Buffer.concat([large, Buffer.from(eicar), large]);
    const answer = await (await poolOf([clamd.address])).scan(source(bytes), signal);
    expect(answer.reply).toEqual({ kind: 'found', signature: 'Eicar-Test' });
    expect(clamd.streams[0]?.bytes.equals(bytes)).toBe(true);
  });

  it('that is empty is the command and the terminator', async () => {
    const clamd = await start();
    await (await poolOf([clamd.address])).scan(source(Buffer.alloc(0)), signal);
    expect(clamd.streams[0]).toMatchObject({ chunks: [], terminated: true });
  });

  it('that is small takes no connection before it is whole', async () => {
    const clamd = await start();
    const content = new MemoryContent();
    const pool = await poolOf([clamd.address]);
    const open = (): AsyncIterable<Buffer> => content.chunks(signal);
    const scan = pool.scan({ open, repeatable: true }, signal);
    content.append(small);
    await new Promise((resolve) => setImmediate(resolve));
    expect([clamd.connections, pool.load.inflight]).toEqual([0, 0]);
    content.end();
    expect((await scan).reply.kind).toBe('ok');
  });
});

describe('what clamd does wrong', () => {
  const words = 'stream: OK\0';
  it.each<[string, ClamdConduct, Buffer, string]>([
    ['closes without a word', { step: 'close' }, small, 'failed'],
    [
      'resets in mid-stream',
      { step: 'reset', afterBytes: 100_000 },
      Buffer.alloc(299_000),
      'failed',
    ],
    ['resets beyond StreamMaxLength', { step: 'reset', afterBytes: 320_000 }, large, 'size-limit'],
    ['says something else', { step: 'say', words: 'stream: fine\0' }, small, 'failed'],
    ['says OK and more', { step: 'say', words: `${words}x` }, small, 'failed'],
    ['breaks off in its answer', { step: 'say', words: 'stream: O' }, small, 'failed'],
    [
      'says an error',
      { step: 'say', words: "stream: Can't write to file ERROR\0" },
      small,
      'failed',
    ],
    ['never stops talking', { step: 'say', words: 'x'.repeat(100_000) }, small, 'failed'],
    ['says OK before the end', { step: 'interrupt', words }, Buffer.alloc(5_000_000), 'failed'],
    ['refuses the size', { step: 'size-limit', streamBytesMax: 100_000 }, large, 'size-limit'],
    [
      'refuses the size, and the reset swallows its words',
      { step: 'size-limit', streamBytesMax: 310_000, lost: true },
      large,
      'size-limit',
    ],
  ])('%s', async (_, conduct, bytes, kind) => {
    const clamd = await start();
    const pool = await poolOf([clamd.address]);
    clamd.usual = conduct;
    const answer = await pool.scan(source(bytes), signal);
    expect(answer.reply.kind).toBe(kind);
    expect(answer.words).not.toBe('');
    await until(() => pool.load.inflight === 0, 'the place is free again');
  });

  it('is silent: before the end of a stream the connection is dropped', async () => {
    const clamd = await start();
    const pool = await poolOf([clamd.address]);
    clamd.usual = { step: 'hang' };
    const scan = pool.scan(source(Buffer.alloc(20_000_000)), signal);
    await until(
      () => clock.pending === 1 && pool.load.inflight === 1 && clamd.open === 1,
      'it stalls',
    );
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    expect((await scan).words).toBe('clamd was silent for 60000 ms');
    await until(() => pool.load.inflight === 0, 'the place is free again');
  });

  it('is silent: after it the scan keeps its place until clamd is done', async () => {
    const clamd = await start({ step: 'hold' });
    const pool = await poolOf([clamd.address]);
    const scan = pool.scan(source(small), signal);
    await until(() => clamd.held === 1, 'the stream is there');
    clock.advance(60_000);
    expect((await scan).reply.kind).toBe('failed');
    expect(pool.load.inflight).toBe(1);
    clamd.release();
    await until(() => pool.load.inflight === 0, 'clamd is done');
    expect(clock.pending).toBe(0);
  });

  it('is gone for good: the place is free after as long again', async () => {
    const clamd = await start({ step: 'hold' });
    const pool = await poolOf([clamd.address]);
    const scan = pool.scan(source(small), signal);
    await until(() => clamd.held === 1, 'the stream is there');
    clock.advance(60_000);
    await scan;
    clock.advance(60_000);
    await until(() => pool.load.inflight === 0, 'the connection is dropped');
  });
});

describe('another clamd', () => {
  it('is asked where the first cannot be reached, and that one no more', async () => {
    const [gone, clamd] = [await start(), await start()];
    const pool = await poolOf([gone.address, clamd.address]);
    await gone.stop();
    clamds.shift();
    const answer = await pool.scan(source(small, false), signal);
    expect([answer.reply.kind, answer.endpoint]).toEqual(['ok', clamd.address.name]);
    expect(pool.status.map(({ state }) => state)).toEqual(['starting', 'ready']);
    await pool.scan(source(small), signal);
    expect(clamd.connections).toBe(2);
  });

  it.each([
    ['a large stream from its start', large.subarray(0, 200_000), true, 'ok', 1],
    ['a large stream that cannot be had again not at all', large, false, 'failed', 0],
    ['a small stream that cannot be had again, because it is all there', small, false, 'ok', 1],
  ])('gets %s', async (_, bytes, repeatable, kind, connections) => {
    const breaking = await start(
      bytes === small ? { step: 'close' } : { step: 'reset', afterBytes: 80_000 },
    );
    const other = await start();
    const pool = await poolOf([breaking.address, other.address]);
    const answer = await pool.scan(source(bytes, repeatable), signal);
    expect([answer.reply.kind, other.connections]).toEqual([kind, connections]);
    if (kind === 'ok') expect(other.streams[0]?.bytes.equals(bytes)).toBe(true);
    await until(() => pool.load.inflight === 0, 'both places are free');
  });

  it('is asked once, and both are told of', async () => {
    const [one, two] = [await start({ step: 'close' }), await start({ step: 'close' })];
    const answer = await (await poolOf([one.address, two.address])).scan(source(small), signal);
    expect(answer.reply.kind).toBe('failed');
    expect(answer.words).toContain(`before that ${one.address.name}`);
    expect([one.connections, two.connections]).toEqual([1, 1]);
  });
});

describe('an abort', () => {
  const gone = new Cancelled('peer-gone');

  it('before the terminator drops the connection, so that nothing is scanned', async () => {
    const clamd = await start();
    const pool = await poolOf([clamd.address]);
    const control = new AbortController();
    const content = new MemoryContent();
    content.append(large.subarray(0, 100_000));
    const open = (): AsyncIterable<Buffer> => content.chunks(control.signal);
    const scan = pool.scan({ open, repeatable: true }, control.signal);
    await until(() => clamd.open === 1 && pool.load.inflight === 1, 'it is at work');
    control.abort(gone);
    await expect(scan).rejects.toEqual(gone);
    await until(() => pool.load.inflight === 0 && clamd.open === 0, 'all is free');
    expect(clamd.streams.every(({ terminated }) => !terminated)).toBe(true);
  });

  it('after it leaves the scan in its place until clamd is done', async () => {
    const clamd = await start({ step: 'hold' });
    const pool = await poolOf([clamd.address], { inflightMax: 1 });
    const control = new AbortController();
    const scan = pool.scan(source(small), control.signal);
    await until(() => clamd.held === 1, 'the stream is there');
    const next = pool.scan(source(small), signal);
    control.abort(gone);
    await expect(scan).rejects.toEqual(gone);
    await until(() => pool.load.waiting === 1, 'the next one waits');
    clamd.usual = { step: 'scan' };
    clamd.release();
    expect((await next).reply.kind).toBe('ok');
  });

  it('in the line leaves the line', async () => {
    const clamd = await start({ step: 'hold' });
    const pool = await poolOf([clamd.address], { inflightMax: 1 });
    const first = pool.scan(source(small), signal);
    await until(() => clamd.held === 1, 'the place is taken');
    const control = new AbortController();
    const second = pool.scan(source(small), control.signal);
    await until(() => pool.load.waiting === 1, 'the second waits');
    control.abort(gone);
    await expect(second).rejects.toEqual(gone);
    clamd.release();
    await first;
    await until(() => pool.load.inflight === 0 && pool.load.waiting === 0, 'all is free');
  });
});

it('a source that fails ends the scan, with its own error', async () => {
  const clamd = await start();
  const pool = await poolOf([clamd.address]);
  const content = new MemoryContent();
  content.append(large.subarray(0, 100_000));
  const scan = pool.scan({ open: () => content.chunks(signal), repeatable: true }, signal);
  await until(() => clamd.open === 1, 'it is at work');
  const failure = new OperationalError('STORE', 'spool gone');
  content.fail(failure);
  await expect(scan).rejects.toBe(failure);
  await until(() => pool.load.inflight === 0, 'the place is free');
  expect(clamd.streams.every(({ terminated }) => !terminated)).toBe(true);
});

it('status tells of each clamd', async () => {
  const clamd = await start();
  const dead = await deadAddress();
  const path = mkdtempSync(join(tmpdir(), 'clamgate-pool-'));
  const absent = addressOf(`unix:${join(path, 'none')}`);
  const { status } = await poolOf([clamd.address, dead, absent]);
  rmSync(path, { recursive: true });
  expect(status.map(({ ok, state }) => [ok, state])).toEqual([
    [true, 'ready'],
    [false, 'starting'],
    [false, 'starting'],
  ]);
  expect(status[0]).toMatchObject({ engine: '1.4.6', database: 27000, limitAlerts: 'on' });
  expect(status[1]?.detail).toContain('ECONNREFUSED');
  expect(status[2]?.detail).toContain('ENOENT');
});

it('a stream in one buffer reaches a clamd that reads late as it is', async () => {
  const pieces = Array.from({ length: 60 }, (_, index) => Buffer.alloc(blockBytes, index + 1));
  const framedBytes = 'zINSTREAM\0'.length + 60 * (4 + blockBytes) + 4;
  const received: Buffer[] = [];
  // A Unix socket: TCP's buffers on loopback would take it all.
  const directory = mkdtempSync(join(tmpdir(), 'clamgate-'));
  let asked = 0;
  const server = createServer((socket) => {
    void untilStill(() => asked).then(() => {
      socket.on('data', (chunk) => {
        received.push(chunk);
        const bytes = received.reduce((sum, { length }) => sum + length, 0);
        if (bytes === framedBytes) socket.end('stream: OK\0');
      });
    });
  }).listen({ path: join(directory, 'clamd.sock') });
  await once(server, 'listening');
  function* counted(): Generator<Buffer, void> {
    for (const piece of pieces) {
      asked++;
      yield piece;
    }
  }
  const open = (): AsyncIterable<Buffer> => inOneBuffer(counted());
  const settings = { clock, streamBytesMax: 1e9, connectMs: 5000, silenceMs: 60_000 };
  const late = await dial(addressOf(`unix:${join(directory, 'clamd.sock')}`), settings, signal);
  const { first, rest } = (await OpenedStream.open({ open, repeatable: true })).blocks();
  const released = (): void => undefined;
  const { reply } = await scanStream(late, { first, rest }, { ...settings, released }, signal);
  server.close();
  rmSync(directory, { recursive: true });
  const blocks = pieces.flatMap((piece) => [chunkLength(blockBytes), piece]);
  const framed = [instreamCommand, ...blocks, instreamTerminator];
  expect([reply.kind, Buffer.concat(received).equals(Buffer.concat(framed))]).toEqual(['ok', true]);
});

/** Resolves when `value` has not changed for some turns of the event loop. */
async function untilStill(value: () => number): Promise<void> {
  for (let still = 0, last = value(); still < 100; still++) {
    await new Promise(setImmediate);
    if (value() !== last) still = 0;
    last = value();
  }
}
