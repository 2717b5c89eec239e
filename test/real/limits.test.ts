/** Debian's clamd with its limits told and silent, and with signatures that are loaded anew. */
import { afterEach, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/clock.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ask } from '../../src/scan/clamd-socket.ts';
import type { LimitAlerts } from '../../src/scan/limits-canary.ts';
import { limitsCanary } from '../../src/scan/limits-canary.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { PrivateClamd, type PrivateClamdSettings } from '../support/private-clamd.ts';

const { signal } = new AbortController();
const patienceMs = 90_000;
const MiB = 2 ** 20;

describeNeeding(['clamd'], 'the limits of clamd', () => {
  let clamd: PrivateClamd;
  let scanner: MessageScan;

  afterEach(async () => {
    scanner.close();
    await clamd.close();
  });

  async function start(settings: PrivateClamdSettings): Promise<void> {
    clamd = await PrivateClamd.start(settings);
    scanner = new MessageScan({
      endpoints: [clamd.unix],
      clock: systemClock,
      limits: defaultLimits,
      clamd: defaultClamdSettings,
      cache: { entriesMax: 100, ageMsMax: 600_000 },
    });
    await scanner.look();
  }

  async function send(...files: Buffer[]): Promise<ScanReport> {
    const parts = files.map((file, at) => messages.attachment(`f${at}`, file));
    const bytes = messages.message(messages.multipart('mixed', parts));
    return scanner.scan(MemoryContent.of(bytes), signal);
  }

  const alerts = (): LimitAlerts | undefined => scanner.status[0]?.limitAlerts;

  it.each<[string, PrivateClamdSettings, LimitAlerts]>([
    ['as it is shipped', {}, 'silent'],
    ['with AlertExceedsMax', { AlertExceedsMax: 'yes' }, 'on'],
    [
      'with AlertExceedsMax and as deep as it goes',
      { AlertExceedsMax: 'yes', MaxRecursion: '100' },
      'on',
    ],
  ])(
    '%s are found out',
    async (_, settings, expected) => {
      await start(settings);
      expect(alerts()).toBe(expected);
      const { findings } = await send(gzipSync('harmless'));
      expect(findings.map((one) => one.kind === 'partial' && one.reason)).toEqual(
        expected === 'on' ? [] : ['limits-silent'],
      );
    },
    patienceMs,
  );

  it(
    'reached, and told of, are under their rule; malware beside them wins',
    async () => {
      await start({ AlertExceedsMax: 'yes' });
      const reached = decide((await send(limitsCanary())).findings, defaultRules);
      expect(reached).toMatchObject({ kind: 'limits', action: 'quarantine' });
      const both = decide((await send(limitsCanary(), messages.eicarFile)).findings, defaultRules);
      expect(both.kind).toBe('infected');
    },
    patienceMs,
  );

  it.each<[string, PrivateClamdSettings, number, boolean]>([
    ['as large as ours', { MaxFileSize: '25M', MaxScanSize: '100M' }, 25, true],
    ['smaller', { MaxFileSize: '10M', MaxScanSize: '100M' }, 10, false],
    ['of all that is scanned, smaller', { MaxFileSize: '25M', MaxScanSize: '5M' }, 5, false],
  ])(
    'of a file are found out where it is silent: %s',
    async (_, settings, mib, isOurs) => {
      await start(settings);
      const known = scanner.status[0]?.fileBytesMax ?? Infinity;
      expect(known).toBeLessThanOrEqual(mib * MiB);
      expect(known).toBeGreaterThan((mib - 0.3) * MiB);
      if (isOurs) return;
      const { findings } = await send(Buffer.alloc((mib + 0.1) * MiB, 'x'));
      expect(findings.map((one) => one.kind === 'partial' && one.reason)).toContain('file-size');
    },
    patienceMs,
  );

  it(
    'of a file are not asked of one that tells of them',
    async () => {
      await start({ MaxFileSize: '10M', AlertExceedsMax: 'yes' });
      expect(scanner.status[0]?.fileBytesMax).toBeUndefined();
    },
    patienceMs,
  );

  it(
    'are asked about anew after a restart with others',
    async () => {
      await start({ AlertExceedsMax: 'yes' });
      await clamd.stop();
      await scanner.look();
      expect(alerts()).toBe('unknown');
      clamd.set('AlertExceedsMax', 'no');
      await clamd.restart();
      await scanner.look();
      expect(alerts()).toBe('silent');
    },
    patienceMs,
  );
});

describeNeeding(['clamd'], 'signatures that are loaded anew', () => {
  it.each([
    ['with a version', true],
    ['without one', false],
  ])(
    '%s: what they know is not called clean as before',
    async (_, isVersioned) => {
      const clamd = await PrivateClamd.start();
      const scanner = new MessageScan({
        endpoints: [clamd.unix],
        clock: systemClock,
        limits: defaultLimits,
        clamd: defaultClamdSettings,
        cache: { entriesMax: 100, ageMsMax: 600_000 },
      });
      const dialling = { clock: systemClock, connectMs: 5000 };
      const reload = async (number: number, known: Buffer): Promise<void> => {
        clamd.writeSignature(isVersioned ? number : undefined, known);
        expect(await ask(clamd.unix, 'RELOAD', dialling, signal)).toBe('RELOADING');
      };
      const file = Buffer.from('a letter that nobody minds, yet');
      const bytes = messages.message(
        messages.multipart('mixed', [messages.attachment('f', file), messages.text('x\r\n')]),
      );
      const scan = (): Promise<ScanReport> => scanner.scan(MemoryContent.of(bytes), signal);
      const loaded = async (known: Buffer): Promise<void> => {
        const probe = messages.message(
          messages.multipart('mixed', [messages.attachment('p', known)]),
        );
        for (;;) {
          const report = await new MessageScan({
            endpoints: [clamd.unix],
            clock: systemClock,
            limits: defaultLimits,
            clamd: defaultClamdSettings,
          }).scan(MemoryContent.of(probe), signal);
          if (report.findings.some(({ kind }) => kind === 'infected')) return;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      try {
        const other = Buffer.from('something else');
        await reload(100, other);
        await loaded(other);
        await scanner.look();
        await scan();
        const kept = (await scan()).streams.some(({ cached }) => cached);
        expect(kept).toBe(isVersioned);
        await reload(101, file);
        await loaded(file);
        expect((await scan()).findings.map(({ kind }) => kind)).toContain('infected');
      } finally {
        scanner.close();
        await clamd.close();
      }
    },
    patienceMs,
  );
});
