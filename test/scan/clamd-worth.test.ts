/** What answers are worth, and that a reload of the configuration makes none worth more. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../src/limits.ts';
import { ApartWorkers } from '../../src/scan/apart-workers.ts';
import type { ClamdPool } from '../../src/scan/clamd-pool.ts';
import { defaultClamdSettings, poolSettingsOf } from '../../src/scan/clamd-settings.ts';
import { type ClamdCeilings, type ClamdWorth, worthOver } from '../../src/scan/clamd-worth.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import type { PoolSettings } from '../../src/scan/pool-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import type { ClamdAnswer } from '../../src/scan/stream-attempts.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';
import { newPool } from '../support/pool.ts';

const { signal } = new AbortController();
const MiB = 2 ** 20;
const ceilings: ClamdCeilings = { streamBytesMax: 10, fileBytesMax: 20, scanMsMax: 30 };
const worth: ClamdWorth = { ceilings, alerts: 'on', hasOldSignatures: false };
const less = { ...ceilings, fileBytesMax: 2 };
const quicker = { ...ceilings, scanMsMax: 3 };

describe('worthOver', () => {
  it.each<[string, Partial<ClamdWorth>, Partial<ClamdWorth>, Partial<ClamdWorth>]>([
    ['what did not change', {}, {}, {}],
    ['a limit that was raised', { ceilings: less }, {}, { ceilings: less }],
    ['a limit that was found', {}, { ceilings: less }, { ceilings: less }],
    [
      'one of each',
      { ceilings: less },
      { ceilings: quicker },
      { ceilings: { ...less, scanMsMax: 3 } },
    ],
    ['signatures that were old', { hasOldSignatures: true }, {}, { hasOldSignatures: true }],
    ['signatures that are old', {}, { hasOldSignatures: true }, { hasOldSignatures: true }],
    ['silence that was found', {}, { alerts: 'silent' }, { alerts: 'silent' }],
    ['but alerts hold as they were found last', { alerts: 'unknown' }, {}, {}],
  ])('is the stricter of both: %s', (_, sent, answered, expected) => {
    const over = worthOver({ ...worth, ...sent }, { ...worth, ...answered });
    expect(over).toEqual({ ...worth, ...expected });
  });
});

describe('an answer', () => {
  let clock: FakeClock;
  let clamds: FakeClamd[];
  let pool: ClamdPool;

  beforeEach(async () => {
    clock = new FakeClock(Date.UTC(2025, 11, 1));
    clamds = [await FakeClamd.start(), await FakeClamd.start()];
    for (const clamd of clamds) {
      // Silent, old, and with a MaxFileSize that only the size canary shows.
      Object.assign(clamd, {
        version: 'ClamAV 1.4.6/1/Thu Nov 20 2025',
        ofCanary: 'stream: OK\0',
        ofSize: (bytes: number) => (bytes > MiB ? 'stream: OK\0' : 'stream: Eicar-Test FOUND\0'),
      });
    }
    pool = newPool([at(0).address], { clock });
    await pool.look();
  });
  afterEach(async () => {
    pool.close();
    await Promise.all(clamds.map((clamd) => clamd.stop()));
  });

  function at(index: number): FakeClamd {
    return clamds[index] as FakeClamd;
  }
  /** The clamds of this index, and what their clamd.conf is known to say. */
  function settings(indices: number[], conf?: Partial<ClamdCeilings>): PoolSettings {
    const members = indices.map((index) => ({ address: at(index).address, weight: 1 }));
    const known = { ceilings: () => conf ?? {}, hasOthers: undefined };
    return poolSettingsOf(members, defaultClamdSettings, known);
  }
  const send = (): Promise<ClamdAnswer> => pool.scan({ whole: [Buffer.from('x')] }, signal);

  async function heldWhile(change: () => unknown): Promise<ClamdWorth> {
    at(0).usual = { step: 'hold' };
    const answer = send();
    await until(() => at(0).held === 1, 'it is with clamd');
    await change();
    at(0).release();
    return (await answer).worth;
  }

  const adjust = (...to: Parameters<typeof settings>): void => {
    pool.adjust(settings(...to));
  };

  it.each<[string, () => void]>([
    ['stays', () => undefined],
    [
      'was taken out of the pool',
      () => {
        adjust([1]);
      },
    ],
    [
      'was taken out, and is there again',
      () => {
        adjust([1]);
        adjust([0]);
      },
    ],
    [
      'has a clamd.conf now',
      () => {
        adjust([0], { fileBytesMax: 20 * MiB });
      },
    ],
  ])('of a clamd that %s is worth what was found out of it', async (_, change) => {
    const { ceilings: found, alerts, hasOldSignatures } = await heldWhile(change);
    expect([alerts, hasOldSignatures]).toEqual(['silent', true]);
    expect(found.fileBytesMax).toBeLessThanOrEqual(MiB);
    expect(found.fileBytesMax).toBeGreaterThan(MiB / 2);
  });

  it.each<[string, () => void, Partial<ClamdCeilings>]>([
    [
      'was known before',
      () => {
        adjust([0]);
      },
      { scanMsMax: 7000 },
    ],
    [
      'is known now',
      () => {
        adjust([0], { scanMsMax: 8000, fileBytesMax: 3000 });
      },
      { scanMsMax: 7000, fileBytesMax: 3000 },
    ],
    [
      'was known of one that is not there any more',
      () => {
        adjust([1], { scanMsMax: 6000 });
      },
      { scanMsMax: 7000 },
    ],
  ])('is judged by the clamd.conf that %s', async (_, change, expected) => {
    adjust([0], { scanMsMax: 7000 });
    expect((await heldWhile(change)).ceilings).toMatchObject(expected);
  });

  it('of no clamd at all is worth nothing', async () => {
    Object.assign(at(0), { version: 'ClamAV 1.4.6/2/Thu Nov 20 2025', ofEicar: 'stream: OK\0' });
    await pool.look();
    expect(await send()).toMatchObject({ endpoint: '', worth: { alerts: 'unknown' } });
  });

  describe('to a message that began before a reload', () => {
    let workers: ApartWorkers;
    beforeAll(() => {
      workers = new ApartWorkers({ count: 1, clock: new FakeClock(), observe: () => undefined });
    });
    afterAll(async () => {
      await workers.close();
    });
    const part = Buffer.alloc(1.5 * MiB, 'x');
    const bytes = messages.message(messages.withAttachment('a', part));
    const kinds = ({ findings }: ScanReport): string[] =>
      findings.map((one) => `${one.stream} ${one.kind === 'partial' ? one.reason : one.kind}`);

    function scan(apart: 'here' | 'in a worker', takesApart?: () => void): Promise<ScanReport> {
      const scanner = new MessageScan({
        pool,
        endpoints: [at(0).address],
        clock,
        limits: defaultLimits,
        clamd: defaultClamdSettings,
        ...(apart === 'in a worker' && { workers }),
      });
      return scanner.scan(MemoryContent.of(bytes), signal, takesApart);
    }

    it.each(['here', 'in a worker'] as const)(
      'is partial where its clamd left meanwhile, and the part is taken out %s',
      async (apart) => {
        // The whole is answered; the part is held.
        at(0).script.push({ step: 'scan' }, { step: 'scan' }, { step: 'hold' });
        const report = scan(apart);
        await until(() => at(0).held === 1, 'the part is with clamd');
        adjust([1]);
        at(0).release();
        expect(kinds(await report)).toEqual(
          expect.arrayContaining(['message file-size', '2 file-size']),
        );
      },
    );

    it.each(['here', 'in a worker'] as const)(
      'is partial where its clamd came with the reload, and the part is taken out %s',
      async (apart) => {
        at(0).version = undefined;
        await pool.look();
        const report = scan(apart);
        await until(() => pool.load.waiting === 1, 'it waits');
        adjust([1], { fileBytesMax: MiB });
        await pool.look();
        expect(kinds(await report)).toEqual(
          expect.arrayContaining(['message file-size', '2 file-size']),
        );
      },
    );
  });
});
