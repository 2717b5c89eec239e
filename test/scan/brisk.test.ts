import { beforeEach, describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../src/limits.ts';
import { brisk, senderPauseMs, SlowSender } from '../../src/scan/brisk.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';

const { signal } = new AbortController();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
let clock: FakeClock;

beforeEach(() => {
  clock = new FakeClock();
});

describe('chunks that are waited for', () => {
  it('come as they are while the sender is fast', async () => {
    const content = new MemoryContent();
    const iterator = brisk(content.chunks(signal), clock);
    for (const text of ['a', 'b', 'c']) {
      const next = iterator.next();
      await turn();
      clock.advance(300);
      content.append(Buffer.from(text));
      expect(String((await next).value)).toBe(text);
    }
    const end = iterator.next();
    content.end();
    expect((await end).done).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('are given up when all pauses together are too long', async () => {
    const content = new MemoryContent();
    const iterator = brisk(content.chunks(signal), clock);
    for (const pause of [senderPauseMs / 2, senderPauseMs / 2 - 1]) {
      const next = iterator.next();
      await turn();
      clock.advance(pause);
      content.append(Buffer.from('x'));
      await next;
    }
    const last = iterator.next();
    await turn();
    clock.advance(1);
    await expect(last).rejects.toBeInstanceOf(SlowSender);
    expect(clock.pending).toBe(0);
    content.end();
  });

  it('do not count while nobody asks for them: that is how slow clamd is', async () => {
    const content = new MemoryContent();
    const iterator = brisk(content.chunks(signal), clock);
    content.append(Buffer.from('x'));
    await iterator.next();
    clock.advance(10 * senderPauseMs);
    content.append(Buffer.from('y'));
    expect(String((await iterator.next()).value)).toBe('y');
  });

  it('that fail, fail as they do', async () => {
    const content = new MemoryContent();
    const next = brisk(content.chunks(signal), clock).next();
    content.fail(new Error('spool gone'));
    await expect(next).rejects.toThrow('spool gone');
    expect(clock.pending).toBe(0);
  });
});

describe('a sender that trickles', () => {
  it('holds no place at clamd, and is scanned when all is there', async () => {
    const clamd = await FakeClamd.start();
    const scanner = new MessageScan({
      endpoints: [clamd.address],
      clock,
      limits: defaultLimits,
      clamd: { ...defaultClamdSettings, inflightMax: 1 },
    });
    await scanner.look();
    const slow = new MemoryContent();
    const scanning = scanner.scan(slow, signal);
    slow.append(Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), Buffer.alloc(100_000, 'x')]));
    await until(() => scanner.load.inflight === 1, 'its first block has a place');
    await until(() => {
      if (scanner.load.inflight > 0) clock.advance(100);
      return scanner.load.inflight === 0 && clamd.open === 0;
    }, 'it has none any more');
    const others = await Promise.all(
      ['a', 'b'].map((text) =>
        scanner.scan(MemoryContent.of(Buffer.from(`Subject: ${text}\r\n\r\n`)), signal),
      ),
    );
    expect(others.map(({ findings }) => findings)).toEqual([[], []]);
    clock.advance(600_000);
    slow.append(Buffer.from('y\r\n'));
    slow.end();
    const { findings, streams } = await scanning;
    expect([findings, streams[0]?.answer]).toEqual([[], 'stream: OK']);
    const whole = clamd.streams.filter(({ bytes }) =>
      bytes.includes('From clamgate\r\nSubject: x'),
    );
    expect(whole.map(({ terminated }) => terminated)).toEqual([false, true]);
    expect(whole[1]?.bytes.toString()).toMatch(/^From clamgate\r\nSubject: x\r\n\r\nx+y\r\n$/);
    scanner.close();
    await clamd.stop();
  });
});
