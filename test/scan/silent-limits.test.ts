/** What a container is worth from a clamd that keeps its limits to itself. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
let clamd: FakeClamd;
let scanner: MessageScan;

beforeEach(async () => {
  clamd = await FakeClamd.start();
  scanner = new MessageScan({
    endpoints: [clamd.address],
    clock: new FakeClock(),
    limits: defaultLimits,
    clamd: defaultClamdSettings,
  });
});
afterEach(async () => {
  scanner.close();
  await clamd.stop();
});

async function findings(...files: Buffer[]): Promise<readonly Finding[]> {
  const parts = files.map((file, at) => messages.attachment(`f${at}`, file));
  const bytes = messages.message(messages.multipart('mixed', parts));
  return (await scanner.scan(MemoryContent.of(bytes), signal)).findings;
}
const silent = (detail: string, stream = '1'): object => ({
  kind: 'partial',
  reason: 'limits-silent',
  stream,
  detail,
});
const small = gzipSync('x');
const large = Buffer.concat([small, Buffer.alloc(500_000, '.')]);

describe('a container, small or large', () => {
  it.each([[small], [large]])('is looked at in part where limits are silent', async (file) => {
    clamd.ofCanary = 'stream: OK\0';
    await scanner.look();
    expect(await findings(file)).toEqual([silent('gzip: AlertExceedsMax is off')]);
  });

  it.each([[small], [large]])('is so where nothing is known', async (file) => {
    clamd.ofCanary = "stream: Can't open file ERROR\0";
    expect(await findings(file)).toEqual([silent('gzip: AlertExceedsMax is not known to be on')]);
  });

  it.each([[small], [large]])('is looked at wholly where clamd would say', async (file) => {
    await scanner.look();
    expect(await findings(file)).toEqual([]);
  });
});

it('what is no container is looked at wholly', async () => {
  expect(await findings(Buffer.from('nothing to open here'))).toEqual([]);
});

it('passes by default, and is told as not wholly scanned', async () => {
  clamd.ofCanary = 'stream: OK\0';
  const verdict = decide(await findings(small), defaultRules);
  expect(verdict).toMatchObject({
    kind: 'limits-silent',
    action: 'pass',
    coverage: 'partial',
    unscanned: ['limits-silent'],
  });
});

it.each([
  'Heuristics.Limits.Exceeded.MaxFiles',
  'Heuristics.Encrypted.Zip',
  'Heuristics.OLE2.ContainsMacros.VBA',
])('malware beside %s is the verdict', async (unwanted) => {
  clamd.script.push({ step: 'say', words: `stream: ${unwanted} FOUND\0` });
  const verdict = decide(await findings(small, messages.eicarFile), defaultRules);
  expect(verdict).toMatchObject({ kind: 'infected', action: 'quarantine' });
});

describe('a clamd that looks at smaller files than ours says, and is silent', () => {
  const KiB = 1024;
  it('has not scanned what lies between', async () => {
    Object.assign(clamd, { ofCanary: 'stream: OK\0' });
    clamd.ofSize = (bytes) => (bytes > 1000 * KiB ? 'stream: OK\0' : 'stream: Eicar-Test FOUND\0');
    await scanner.look();
    const fileBytesMax = scanner.status[0]?.fileBytesMax ?? Infinity;
    expect(fileBytesMax).toBeLessThanOrEqual(1000 * KiB);
    expect(await findings(Buffer.alloc(500 * KiB, 'x'))).toEqual([]);
    const found = await findings(Buffer.alloc(1001 * KiB, 'x'));
    const parts = found.map((one) => one.kind === 'partial' && `${one.stream} ${one.reason}`);
    expect(new Set(parts)).toEqual(new Set(['message file-size', '1 file-size']));
    expect(decide(found, defaultRules)).toMatchObject({ kind: 'oversize', action: 'quarantine' });
  });

  it('has scanned what is small, and nothing that is larger, until its size is known', async () => {
    Object.assign(clamd, { ofCanary: 'stream: OK\0' });
    clamd.ofSize = () => "stream: Can't allocate memory ERROR\0";
    // Five looks it is held back.
    for (let look = 1; look <= 6; look++) await scanner.look();
    const verdict = async (bytes: number): Promise<object> =>
      decide(await findings(Buffer.alloc(bytes, 'x')), defaultRules);
    expect(await verdict(30 * KiB)).toMatchObject({ kind: 'clean', coverage: 'full' });
    expect(await verdict(100 * KiB)).toMatchObject({ kind: 'oversize', coverage: 'partial' });
    clamd.ofSize = () => 'stream: Eicar-Test FOUND\0';
    await scanner.look();
    expect(await verdict(100 * KiB)).toMatchObject({ kind: 'clean', coverage: 'full' });
  });
});
