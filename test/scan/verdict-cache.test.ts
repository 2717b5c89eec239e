/** That what is kept is used, and that no old answer survives whenever a version moves. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import { DatabaseVersions } from '../../src/scan/database-versions.ts';
import { VerdictCache } from '../../src/scan/verdict-cache.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
const first = 'ClamAV 1.4.6/27000/Thu Nov 20 2025';
const second = 'ClamAV 1.4.6/27001/Fri Nov 21 2025';
let clamds: FakeClamd[];
let clock: FakeClock;
let scanner: MessageScan;

function make(hasOthers?: () => Promise<boolean | undefined>): MessageScan {
  return new MessageScan({
    endpoints: clamds.map(({ address }) => address),
    clock,
    limits: defaultLimits,
    clamd: defaultClamdSettings,
    known: { ceilings: () => ({}), hasOthers },
    cache: { entriesMax: 3, ageMsMax: 60_000 },
  });
}

beforeEach(async () => {
  clamds = [await FakeClamd.start()];
  clamd().version = first;
  clock = new FakeClock();
  scanner = make();
  await scanner.look();
});
afterEach(async () => {
  scanner.close();
  await Promise.all(clamds.map((clamd) => clamd.stop()));
  expect(clock.pending).toBe(0);
});

const logo = Buffer.from('\x89PNG a logo that comes with every letter', 'latin1');

async function send(file = logo, subject = 'x'): Promise<ScanReport> {
  const body = messages.multipart('mixed', [messages.attachment('f', file)]);
  const bytes = messages.message(body, [`Subject: ${subject}`]);
  return scanner.scan(MemoryContent.of(bytes), signal);
}
const part = ({ streams }: ScanReport): boolean | undefined =>
  streams.find(({ stream }) => stream === '1')?.cached;
const clamd = (): FakeClamd => clamds[0] as FakeClamd;
const times = (file = logo): number =>
  clamds.flatMap(({ streams }) => streams).filter(({ bytes }) => bytes.equals(file)).length;

describe('a part that was clean lately', () => {
  it('is not sent again, in whatever message it comes, and the whole message always is', async () => {
    const report = await send();
    expect([part(report), report.streams[0]?.cached]).toEqual([false, undefined]);
    const again = await send(logo, 'y');
    expect(again.findings).toEqual([]);
    expect(again.streams[1]).toMatchObject({
      stream: '1',
      cached: true,
      answer: 'stream: OK',
      endpoint: clamd().address.name,
      bytes: logo.length,
    });
    expect([times(), clamd().streams.length]).toEqual([1, 3]);
  });

  it('is sent again once its answer is old', async () => {
    await send();
    clock.advance(60_000);
    expect(part(await send())).toBe(false);
  });

  it('is forgotten when others were used since', async () => {
    const files = ['a', 'b', 'c', 'd'].map((name) => Buffer.from(`file ${name}`));
    for (const file of files) await send(file);
    expect(part(await send(files[3]))).toBe(true);
    expect(part(await send(files[0]))).toBe(false);
  });
});

describe('what is not kept', () => {
  it.each<[string, string]>([
    ['malware', 'stream: Win.X FOUND\0'],
    ['what clamd failed on', 'stream: x ERROR\0'],
    ['encrypted', 'stream: Heuristics.Encrypted.Zip FOUND\0'],
    ['a limit', 'stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\0'],
  ])('%s', async (_, words) => {
    clamd().script.push({ step: 'scan' }, { step: 'say', words });
    await send();
    expect(part(await send())).toBe(false);
  });

  it('a container from a clamd with silent limits', async () => {
    clamd().ofCanary = 'stream: OK\0';
    scanner = make();
    await scanner.look();
    const file = gzipSync('x');
    await send(file);
    const again = await send(file);
    expect(part(again)).toBe(false);
    expect(again.findings).toMatchObject([{ reason: 'limits-silent' }]);
  });

  it.each([
    ['names no database', 'ClamAV 1.4.6'],
    ['is not told', 'COMMAND UNAVAILABLE'],
  ])('while a version %s', async (_, version) => {
    clamd().version = version;
    await scanner.look();
    await send();
    expect(part(await send())).toBe(false);
  });

  it('beside signatures that no version tells of', async () => {
    scanner = make(() => Promise.resolve(true));
    await scanner.look();
    await send();
    expect(part(await send())).toBe(false);
  });

  it('while two clamds differ', async () => {
    const other = await FakeClamd.start();
    clamds.push(other);
    other.version = second;
    scanner = make();
    await scanner.look();
    await send();
    expect(part(await send())).toBe(false);
    other.version = first;
    await scanner.look();
    await send();
    expect(part(await send())).toBe(true);
    other.version = second;
    expect(part(await send())).toBe(false);
  });
});

describe('a version that moves', () => {
  /** From here on these bytes are malware. */
  function update(): void {
    clamd().version = second;
    clamd().usual = { step: 'say', words: 'stream: New FOUND\0' };
  }

  it.each<[string, (move: () => void) => Promise<void>]>([
    [
      'between two messages',
      async (move) => {
        await send();
        move();
      },
    ],
    [
      'before the first scan, behind our last look',
      async (move) => {
        move();
        clamd().usual = { step: 'scan' };
        await send();
        clamd().usual = { step: 'say', words: 'stream: New FOUND\0' };
      },
    ],
    [
      'while the first scan is under way',
      async (move) => {
        clamd().script.push({ step: 'scan' }, { step: 'hold' });
        const scan = send();
        while (clamd().held === 0) await new Promise((resolve) => setImmediate(resolve));
        move();
        clamd().release();
        await scan;
      },
    ],
    [
      'while it is asked, before it answers',
      async (move) => {
        await send();
        clamd().beforeVersion = move;
      },
    ],
    [
      'there and back, seen once in between',
      async (move) => {
        await send();
        move();
        await scanner.look();
        clamd().version = first;
        await scanner.look();
      },
    ],
    [
      'by way of a clamd that was away',
      async () => {
        await send();
        clamd().version = undefined;
        await scanner.look();
        clamd().version = first;
        await scanner.look();
        clamd().usual = { step: 'say', words: 'stream: New FOUND\0' };
      },
    ],
  ])('%s: the old answer is not used', async (_, course) => {
    await course(update);
    const body = messages.multipart('mixed', [messages.attachment('f', logo)]);
    // Only the part is malware: the whole must not give it away.
    clamd().script.push({ step: 'scan' });
    const report = await scanner.scan(MemoryContent.of(messages.message(body)), signal);
    expect(report.findings).toMatchObject([{ kind: 'infected', detail: 'New' }]);
  });

  it('whatever the order of scans, updates and looks: a message never gets an answer that was given before its update', async () => {
    const step = fc.constantFrom('send', 'update', 'look', 'restart');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        scanner.close();
        scanner = make();
        let number = 27_000;
        let sentUnder: number | undefined;
        for (const one of steps) {
          clamd().version = `ClamAV 1.4.6/${number}/Thu Nov 20 2025`;
          if (one === 'update') number++;
          else if (one === 'look') await scanner.look();
          else if (one === 'restart') {
            clamd().version = undefined;
            await scanner.look();
            clamd().version = `ClamAV 1.4.6/${number}/Thu Nov 20 2025`;
            await scanner.look();
            sentUnder = undefined;
          } else {
            const hit = part(await send()) === true;
            if (hit) expect(sentUnder).toBe(number);
            sentUnder = number;
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

it('asks for the version once for all parts of a message, and not at all where nothing is kept', async () => {
  let asked = 0;
  clamd().beforeVersion = () => asked++;
  const files = ['a', 'b', 'c'].map((name) =>
    messages.attachment(name, Buffer.from(`file ${name}`)),
  );
  const bytes = messages.message(messages.multipart('mixed', files));
  await scanner.scan(MemoryContent.of(bytes), signal);
  expect(asked).toBe(0);
  const { streams } = await scanner.scan(MemoryContent.of(bytes), signal);
  expect([asked, streams.filter(({ cached }) => cached).length]).toEqual([1, 3]);
});

describe('an answer and the readings around it', () => {
  let versions: DatabaseVersions;
  let cache: VerdictCache;

  beforeEach(async () => {
    versions = new DatabaseVersions({ endpoints: [clamd().address], clock, connectMs: 5000 });
    const pool = { versions, hasOldSignatures: (endpoint: string) => endpoint === 'old' };
    cache = new VerdictCache({ entriesMax: 10, ageMsMax: 1000 }, pool, clock);
    await versions.since(versions.mark());
  });
  afterEach(() => {
    versions.close();
  });

  it.each([
    ['clamd', false],
    ['old', true],
  ])('is found while nothing moves, with the age that it has now: %s', async (endpoint, isOld) => {
    cache.forMessage().watch()?.('digest', endpoint);
    const kept = await cache.forMessage().find('digest');
    expect(kept).toEqual({ endpoint, hasOldSignatures: isOld });
  });

  it('belongs to what was read before its scan, though a reading within it saw the move', async () => {
    const keep = cache.forMessage().watch();
    clamd().version = second;
    await versions.since(versions.mark());
    keep?.('digest', 'clamd');
    expect(await cache.forMessage().find('digest')).toBeUndefined();
  });

  it('is not vouched for by a reading that began before its scan had ended', async () => {
    const other = cache.forMessage();
    const keep = cache.forMessage().watch();
    await versions.since(versions.mark());
    clamd().version = second;
    keep?.('digest', 'clamd');
    expect(await other.find('digest')).toBeUndefined();
  });

  it('is not vouched for by a reading that began before the message that asks', async () => {
    cache.forMessage().watch()?.('digest', 'clamd');
    await versions.since(versions.mark());
    clamd().version = second;
    expect(await cache.forMessage().find('digest')).toBeUndefined();
  });
});

it('never holds more than it may', () => {
  const versions = new DatabaseVersions({
    endpoints: [clamd().address],
    clock,
    connectMs: 5000,
  });
  const pool = { versions, hasOldSignatures: () => false };
  const cache = new VerdictCache({ entriesMax: 10, ageMsMax: 1000 }, pool, clock);
  for (let i = 0; i < 1000; i++) cache.keep(String(i), 'x', 1);
  expect(cache.size).toBe(10);
  versions.close();
});
