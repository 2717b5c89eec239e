import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Inbox } from '../../src/listener/inbox.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';
import { socketPair, type SocketPair } from './socket-pair.ts';

const idleMs = 1000;
const highWaterBytes = 64 * 1024;

describe('Inbox', () => {
  let pair: SocketPair;
  let clock: FakeClock;
  let gone: number;
  let inbox: Inbox;

  beforeEach(async () => {
    pair = await socketPair();
    clock = new FakeClock();
    gone = 0;
    inbox = new Inbox(pair.ours);
    inbox.gone.addEventListener('abort', () => gone++);
  });

  afterEach(() => {
    pair.ours.destroy();
    pair.peer.destroy();
  });

  const read = (): Promise<Buffer | 'gone' | 'silence'> => inbox.read(clock, idleMs);

  async function readText(length: number): Promise<string> {
    let text = '';
    while (text.length < length) text += (await read()).toString('latin1');
    return text;
  }

  test('gives what arrives, in order, and leaves no timer', async () => {
    const reading = read();
    expect(clock.pending).toBe(1);
    pair.peer.write('one');
    expect(await reading).toEqual(Buffer.from('one'));
    pair.peer.write('two');
    pair.peer.write('three');
    expect(await readText(8)).toBe('twothree');
    expect(clock.pending).toBe(0);
  });

  test('many small pieces that waited come together', async () => {
    pair.peer.write('.');
    await read();
    const pieces = Array.from({ length: 200 }, (_, at) => Buffer.from(String(at)));
    for (const piece of pieces) inbox.socket.emit('data', piece);
    expect(await read()).toEqual(Buffer.concat(pieces));
  });

  test('of many small pieces that wait, only the first are kept as they came', async () => {
    const pieces = Array.from({ length: 60_000 }, () => Buffer.from('a'));
    for (const piece of pieces) inbox.socket.emit('data', piece);
    // Whoever still holds the piece itself, and not a copy among others, shows it.
    for (const piece of pieces) piece.fill('b');
    expect(await readText(pieces.length)).toBe('b'.repeat(8) + 'a'.repeat(pieces.length - 8));
  });

  test('any pieces come in order, whenever they are read, and stay as they were handed out', async () => {
    // Around the size of a block, and past the bound; 0 is a read.
    const size = fc.constantFrom(0, 1, 1, 1, 2, 7, 100, 4095, 4096, 4097, 20_000);
    const sizes = fc.array(size, { maxLength: 60, size: 'max' });
    await fc.assert(fc.asyncProperty(sizes, checkOrder));
  });

  async function checkOrder(sizes: readonly number[]): Promise<void> {
    const sent: Buffer[] = [];
    const got: { readonly chunk: Buffer; readonly asItWas: Buffer }[] = [];
    let waiting = 0;
    const take = async (): Promise<void> => {
      const chunk = await read();
      if (typeof chunk === 'string') throw new Error(chunk);
      got.push({ chunk, asItWas: Buffer.from(chunk) });
      waiting -= chunk.length;
    };
    for (const size of sizes) {
      if (size > 0) {
        const piece = randomBytes(size);
        sent.push(piece);
        waiting += size;
        inbox.socket.emit('data', piece);
      } else if (waiting > 0) await take();
      expect(inbox.socket.isPaused()).toBe(waiting > highWaterBytes);
    }
    while (waiting > 0) await take();
    expect(Buffer.concat(got.map(({ chunk }) => chunk)).equals(Buffer.concat(sent))).toBe(true);
    expect(got.every(({ chunk, asItWas }) => chunk.equals(asItWas))).toBe(true);
    expect(inbox.socket.isPaused()).toBe(false);
  }

  test('silence after the idle time, and not before', async () => {
    const reading = read();
    clock.advance(idleMs - 1);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await reading).toBe('silence');
    pair.peer.write('late');
    expect(await read()).toEqual(Buffer.from('late'));
  });

  test('an interrupt ends a read, and only a running one', async () => {
    inbox.interrupt();
    const reading = read();
    inbox.interrupt();
    expect(await reading).toBe('silence');
    expect(clock.pending).toBe(0);
  });

  test.each(['FIN', 'RST'] as const)(
    '%s is seen while nobody reads, and told once',
    async (what) => {
      if (what === 'FIN') pair.peer.end();
      else pair.peer.resetAndDestroy();
      await until(() => inbox.gone.aborted, 'the peer is gone');
      pair.ours.destroy();
      await until(() => pair.ours.closed, 'the socket is closed');
      expect(gone).toBe(1);
      expect(await read()).toBe('gone');
      expect(clock.pending).toBe(0);
    },
  );

  test('what came before FIN can still be read', async () => {
    pair.peer.end('last words');
    await until(() => inbox.gone.aborted, 'the peer is gone');
    expect(await read()).toEqual(Buffer.from('last words'));
    expect(await read()).toBe('gone');
  });

  test('FIN ends a running read', async () => {
    const reading = read();
    pair.peer.end();
    expect(await reading).toBe('gone');
  });

  test('holds the peer beyond its bound, and loses nothing', async () => {
    const sent = Buffer.alloc(16 * 1024 * 1024, 'abcdefg');
    pair.peer.write(sent);
    await until(() => pair.ours.isPaused(), 'the peer is held');
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(pair.ours.bytesRead).toBeLessThan(1024 * 1024);
    const all: Buffer[] = [];
    for (let bytes = 0; bytes < sent.length;) {
      const chunk = await read();
      if (typeof chunk === 'string') throw new Error(chunk);
      all.push(chunk);
      bytes += chunk.length;
    }
    expect(Buffer.concat(all).equals(sent)).toBe(true);
  });
});
