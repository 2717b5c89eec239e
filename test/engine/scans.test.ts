/** One scan for one content, whoever waits for it and whoever does not any more. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { CancelSignal } from '../../src/cancel-signal.ts';
import { type Scanning, Scans } from '../../src/engine/scans.ts';
import { Cancelled } from '../../src/errors.ts';
import type { Content } from '../../src/content.ts';
import type { MessageScanner, ScannedStream, ScanReport } from '../../src/scan/scanner.ts';
import { Spool } from '../../src/store/spool.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';
import { bytesOf, untilAborted } from '../support/stand-ins.ts';

const turn = (): Promise<void> => new Promise(setImmediate);
const at = { stream: 'message', detail: '' };
const clean: ScanReport = { findings: [], streams: [], parts: [] };
const found = (finding: Finding): ScanReport => ({ ...clean, findings: [finding] });
const failed = found({ kind: 'unavailable', ...at });
const broken = found({ kind: 'unavailable', broke: 'clamd', ...at });

/** A scanner whose reports are given by hand, to the scans that have read their content. */
class ByHand implements MessageScanner {
  readonly waiting: ((report: ScanReport) => void)[] = [];
  begun = 0;
  ended = 0;
  takesApart = true;

  async scan(content: Content, signal: CancelSignal, takesApart?: () => void): Promise<ScanReport> {
    this.begun++;
    try {
      await bytesOf(content.chunks(signal));
      if (this.takesApart) takesApart?.();
      const { promise, resolve } = Promise.withResolvers<ScanReport>();
      this.waiting.push(resolve);
      return await Promise.race([promise, untilAborted(signal)]);
    } finally {
      this.ended++;
    }
  }
}

interface One {
  readonly scanning: Scanning;
  readonly digest: string;
  readonly signal: AbortController;
  /** What its transaction is told, or why not. */
  readonly told: Promise<ScanReport | string>;
}

describe('Scans', () => {
  let scanner: ByHand;
  let ledger: MemoryLedger;
  let clock: FakeClock;
  let scans: Scans;

  beforeEach(() => {
    scanner = new ByHand();
    ledger = new MemoryLedger((finish) => {
      queueMicrotask(finish);
    });
    clock = new FakeClock();
    scans = new Scans({
      scanner,
      ledger,
      clock,
    });
  });

  /** A transaction that has come to the end of its data. */
  async function begin(text: string): Promise<One> {
    const content = new Spool({ files: new MemoryFiles(), directory: '/', memoryBytes: 1000 });
    const scanning = scans.begin(content);
    void content.write(Buffer.from(text));
    const digest = content.seal();
    const signal = new AbortController();
    const told = scanning.finish(digest, signal.signal).catch((error: unknown) => String(error));
    await turn();
    return { scanning, digest, signal, told };
  }

  const report = (value: ScanReport): Promise<void> => {
    scanner.waiting.shift()?.(value);
    return turn();
  };

  test('the same bytes at the same time: one scan, told to both', async () => {
    const [first, second, other] = [await begin('x'), await begin('x'), await begin('y')];
    expect([scanner.waiting.length, scanner.ended]).toEqual([2, 1]);
    await report(clean);
    await report(failed);
    expect([await first.told, await second.told, await other.told]).toEqual([clean, clean, failed]);
    for (const { scanning } of [first, second, other]) await scanning.leave(false);
    expect([scanner.begun, scanner.ended, scans.running]).toEqual([3, 3, 0]);
  });

  test('a peer that goes away leaves the scan to the retry', async () => {
    const first = await begin('x');
    first.signal.abort(new Cancelled('peer-gone'));
    expect(await first.told).toContain('peer-gone');
    const left = first.scanning.leave(true);
    const retry = await begin('x');
    await report(clean);
    expect(await retry.told).toBe(clean);
    await left;
    expect([scanner.begun, scanner.waiting.length]).toEqual([2, 0]);
  });

  test('its report serves the retry later, for a while', async () => {
    const first = await begin('x');
    void first.scanning.leave(true);
    await report(clean);
    clock.advance(899_000);
    const retry = await begin('x');
    expect([await retry.told, scanner.waiting.length]).toEqual([clean, 0]);
    await retry.scanning.leave(true);
    clock.advance(2000);
    await begin('x');
    expect(scanner.waiting).toHaveLength(1);
  });

  test.each<[string, ScanReport, boolean]>([
    ['the message is done with', clean, false],
    ['it failed', failed, true],
    [
      'it is too large to keep',
      {
        ...clean,
        streams: Array.from({ length: 51 }, () => ({}) as ScannedStream),
      },
      true,
    ],
  ])('a report is not kept when %s', async (_, value, retried) => {
    const first = await begin('x');
    await report(value);
    await first.scanning.leave(retried);
    await begin('x');
    expect(scanner.waiting).toHaveLength(1);
  });

  test('before the end of data there is nothing to keep: the scan is called off', async () => {
    const content = new Spool({ files: new MemoryFiles(), directory: '/', memoryBytes: 1000 });
    await scans.begin(content).leave(true);
    await turn();
    expect([scanner.ended, scans.running]).toEqual([1, 0]);
  });

  test('scans that nobody waits for are bounded', async () => {
    for (let n = 0; n < 40; n++) void (await begin(`message ${n}`)).scanning.leave(true);
    await turn();
    expect(scans.running).toBe(32);
    await scans.close();
    expect([scans.running, scanner.ended]).toEqual([0, 40]);
  });

  test('one that another waits for is not among them, until that one has left, too', async () => {
    const [first, second] = [await begin('x'), await begin('x')];
    for (let n = 0; n < 32; n++) void (await begin(`message ${n}`)).scanning.leave(true);
    void first.scanning.leave(true);
    await turn();
    expect(scans.running).toBe(33);
    void second.scanning.leave(true);
    await turn();
    expect(scans.running).toBe(32);
    await scans.close();
    expect(await second.told).toContain('not-needed');
  });

  test('its report is the one of all who have joined it, whoever leaves first', async () => {
    const [first, second] = [await begin('x'), await begin('x')];
    void first.scanning.leave(false);
    const third = await begin('x');
    await report(clean);
    expect([await second.told, await third.told]).toEqual([clean, clean]);
    expect(scanner.waiting).toHaveLength(0);
  });

  test('reports that are kept are bounded', async () => {
    for (let n = 0; n < 600; n++) {
      const one = await begin(`message ${n}`);
      await report(clean);
      await one.scanning.leave(true);
    }
    expect((await begin('message 0')).digest).toBeDefined();
    expect(scanner.waiting).toHaveLength(1);
    await begin('message 599');
    expect(scanner.waiting).toHaveLength(1);
  });

  describe('a scan that broke is counted', () => {
    const count = async (digest: string): Promise<number> => {
      ledger.flush();
      await turn();
      return scans.broken(digest);
    };

    test('while it has not ended, so that our own death counts', async () => {
      const { digest } = await begin('x');
      expect(await count(digest)).toBe(1);
      await report(clean);
      expect(await count(digest)).toBe(0);
    });

    test('but not while only the scanner works on it', async () => {
      scanner.takesApart = false;
      const { digest } = await begin('x');
      expect(await count(digest)).toBe(0);
      await report(clean);
      expect(await count(digest)).toBe(0);
    });

    test.each([true, false])(
      'when others came to their end meanwhile (taken apart: %s)',
      async (apart) => {
        scanner.takesApart = apart;
        const first = await begin('x');
        await begin('y');
        scanner.waiting[1]?.(clean);
        await turn();
        await report(broken);
        expect(await count(first.digest)).toBe(1);
      },
    );

    test('when it was our own worker that ended, whatever others do', async () => {
      const first = await begin('x');
      await report(found({ kind: 'unavailable', broke: 'worker', ...at }));
      expect(await count(first.digest)).toBe(1);
    });

    test('not when nothing else ended: then it is clamd that hangs', async () => {
      const first = await begin('x');
      await begin('y');
      scanner.waiting[1]?.(failed);
      await turn();
      await report(broken);
      expect(await count(first.digest)).toBe(0);
    });

    test('not when it failed without being broken, or was called off', async () => {
      const first = await begin('x');
      await report(failed);
      const second = await begin('y');
      await scans.close();
      expect([await count(first.digest), await count(second.digest)]).toEqual([0, 0]);
    });
  });
});
