import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { mailPrefix } from '../../src/scan/mail-stream.ts';
import { MessageScan, type MessageScanOptions } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import { smallStreamBytes } from '../../src/scan/stream-scans.ts';
import { type ClamdConduct, FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
let clamd: FakeClamd;
let clock: FakeClock;

beforeEach(async () => {
  clamd = await FakeClamd.start();
  clock = new FakeClock();
});

afterEach(async () => {
  await clamd.stop();
  expect(clock.pending).toBe(0);
});

function scanner(
  settings: Partial<MessageScanOptions['clamd']> = {},
  limits = defaultLimits,
): MessageScan {
  const options = { ...defaultClamdSettings, ...settings };
  return new MessageScan({ endpoints: [clamd.address], clock, limits, clamd: options });
}

async function scan(bytes: Buffer, by = scanner()): Promise<ScanReport> {
  return by.scan(MemoryContent.of(bytes), signal);
}

const kindsOf = ({ findings }: ScanReport): string[] =>
  findings.map((one) => `${one.stream} ${one.kind === 'partial' ? one.reason : one.kind}`);
const streamsOf = ({ streams }: ScanReport): string[] => streams.map(({ stream }) => stream);
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const rest = Buffer.from('harmless');

describe('a scan', () => {
  // FakeClamd sees EICAR only as it stands: what it finds we have decoded.
  it.each(messages.sampleMessages())('finds what is in $name', async ({ bytes, infected }) => {
    const by = scanner();
    await by.look();
    const report = await scan(bytes, by);
    expect(report.findings.map(({ kind }) => kind)).toEqual(infected ? ['infected'] : []);
    expect(report.streams[0]).toMatchObject({ stream: 'message', digest: digestOf(bytes) });
    expect(report.streams[0]?.bytes).toBe(bytes.length);
  });

  it('sends the whole with a first line that makes clamd see mail, the parts without', async () => {
    const bytes = messages.message(messages.withAttachment('a', rest));
    const report = await scan(bytes);
    expect(streamsOf(report)).toEqual(['message', '1', '2']);
    const sent = clamd.streams.map((stream) => stream.bytes.toString());
    expect(sent).toEqual([
      `${mailPrefix.toString()}${bytes.toString()}`,
      'See file.\r\n',
      'harmless',
    ]);
    expect(report.streams[2]).toMatchObject({
      label: 'a',
      bytes: 8,
      digest: digestOf(rest),
      answer: 'stream: OK',
    });
  });

  it('sends a message that has nothing to decode once', async () => {
    const report = await scan(messages.message(messages.text('Hello\r\n')));
    expect(streamsOf(report)).toEqual(['message']);
    expect(report.parts).toEqual([{ number: '1', contentType: 'text/plain', bytes: 7 }]);
  });

  it('does not look into the parts of what is infected as a whole', async () => {
    clamd.script.push({ step: 'say', words: 'stream: Win.X FOUND\0' });
    const report = await scan(messages.message(messages.newsletter()));
    expect([streamsOf(report), kindsOf(report)]).toEqual([['message'], ['message infected']]);
  });

  it('looks into them all the same to explain the message, however much is infected', async () => {
    clamd.script.push({ step: 'say', words: 'stream: Win.X FOUND\0' });
    clamd.script.push({ step: 'say', words: 'stream: Win.Y FOUND\0' });
    const everyPart = new MessageScan({
      endpoints: [clamd.address],
      clock,
      limits: defaultLimits,
      clamd: defaultClamdSettings,
      everyPart: true,
    });
    const report = await scan(messages.message(messages.withAttachment('a', rest)), everyPart);
    expect(streamsOf(report)).toEqual(['message', '1', '2']);
    expect(kindsOf(report)).toEqual(['message infected', '1 infected']);
    expect(report.parts.map(({ number }) => number)).toEqual(['', '1', '2']);
  });

  it('does not look into the parts where clamd cannot be asked, not even to explain', async () => {
    clamd.usual = { step: 'close' };
    const { endpoints, limits } = { endpoints: [clamd.address], limits: defaultLimits };
    const options = { endpoints, clock, limits, clamd: defaultClamdSettings, everyPart: true };
    const bytes = messages.message(messages.withAttachment('a', rest));
    expect(streamsOf(await scan(bytes, new MessageScan(options)))).toEqual(['message']);
  });

  it('scans a part that comes twice once', async () => {
    const big = Buffer.alloc(smallStreamBytes + 1, '!');
    const files = [rest, rest, big].map((content, i) => messages.attachment(`f${i}`, content));
    const report = await scan(messages.message(messages.multipart('mixed', files)));
    expect(report.streams.map(({ stream, sameAs }) => [stream, sameAs])).toEqual([
      ['message', undefined],
      ['1', undefined],
      ['2', '1'],
      ['3', undefined],
    ]);
    expect(clamd.connections).toBe(3);
    expect(report.streams[3]).toMatchObject({ bytes: big.length, digest: digestOf(big) });
  });

  it('takes a large message in a message apart while it flows by', async () => {
    const inner = messages.message(
      messages.withAttachment('e', Buffer.concat([Buffer.alloc(400_000), messages.eicarFile])),
    );
    const report = await scan(messages.message(messages.forwarded(inner)));
    expect([streamsOf(report), kindsOf(report)]).toEqual([
      ['message', '1', '2.1', '2.2'],
      ['2.2 infected'],
    ]);
    expect(report.parts.map(({ number }) => number)).toEqual(['', '1', '2', '2.1', '2.2']);
  });

  it('sends a large encoded message whole besides its parts', async () => {
    const inner = messages.largeMessage(400_000);
    const encoded = messages.attachment('m.eml', inner, 'message/rfc822');
    const report = await scan(messages.message(messages.multipart('mixed', [encoded])));
    expect(kindsOf(report)).toEqual([]);
    expect(streamsOf(report)).toEqual(['message', '1.1', '1.2', 'reading 1']);
    expect(report.streams[3]).toMatchObject({ bytes: inner.length, digest: digestOf(inner) });
  });

  it('goes on with the message while it arrives, and shows its place only when it is at work', async () => {
    const content = new MemoryContent();
    const by = scanner();
    const scanning = by.scan(content, signal);
    const bytes = messages.largeMessage(200_000);
    content.append(bytes.subarray(0, 150_000));
    await until(() => clamd.open === 1, 'it streams');
    content.append(bytes.subarray(150_000));
    content.end();
    expect((await scanning).findings).toEqual([]);
    await until(() => by.load.inflight === 0, 'all is free');
  });
});

describe('what clamd could not see', () => {
  const large = (): Buffer => messages.largeMessage(300_000);

  it.each([
    ['larger than MaxFileSize', { fileBytesMax: 350_000 }, ['message file-size']],
    ['longer than StreamMaxLength', { streamBytesMax: 350_000 }, ['message stream-length']],
    ['OK after MaxScanTime', { scanMsMax: 0 }, ['message scan-time', '1 scan-time', '2 scan-time']],
  ])('%s is partial, and the parts are scanned', async (_, settings, expected) => {
    const report = await scan(large(), scanner(settings));
    expect(kindsOf(report)).toEqual(expected);
    expect(streamsOf(report)).toEqual(['message', '1', '2']);
  });

  it('does not take a slow sender for a slow clamd', async () => {
    const content = new MemoryContent();
    const scanning = scanner({ scanMsMax: 1000 }).scan(content, signal);
    const bytes = messages.largeMessage(200_000);
    content.append(bytes.subarray(0, 150_000));
    await until(() => clamd.open === 1, 'it streams');
    clock.advance(5000);
    content.append(bytes.subarray(150_000));
    content.end();
    expect(kindsOf(await scanning)).toEqual([]);
  });

  it('counts the first line that we add', async () => {
    const bytes = messages.message(messages.text());
    expect(kindsOf(await scan(bytes, scanner({ fileBytesMax: bytes.length })))).toEqual([
      'message file-size',
    ]);
    const roomy = scanner({ fileBytesMax: bytes.length + mailPrefix.length });
    expect(kindsOf(await scan(bytes, roomy))).toEqual([]);
  });

  it('that it refuses is partial, for the whole and for a part', async () => {
    clamd.usual = { step: 'size-limit', streamBytesMax: 250_000 };
    const bytes = large();
    const report = await scan(bytes);
    expect(kindsOf(report)).toEqual(['message stream-length', '2 stream-length']);
    expect(report.streams.map(({ bytes: size }) => size)).toEqual([bytes.length, 11, 300_000]);
    expect(report.streams[0]?.digest).toBe(digestOf(bytes));
  });

  it('for its own limits, encryption and macros is told by name', async () => {
    const words = ['Limits.Exceeded.MaxFiles', 'Encrypted.Zip', 'OLE2.ContainsMacros'];
    clamd.script.push(
      ...words.map((one) => ({ step: 'say' as const, words: `stream: Heuristics.${one} FOUND\0` })),
    );
    const report = await scan(messages.message(messages.withAttachment('a', rest)));
    expect(kindsOf(report)).toEqual(['message limits-exceeded', '1 encrypted', '2 macro']);
  });

  it('for too many parts is partial', async () => {
    const files = Array.from({ length: 8 }, (_, i) =>
      messages.attachment(`f${i}`, Buffer.from(`${i}`)),
    );
    const by = scanner({}, { ...defaultLimits, partsMax: 5 });
    expect(kindsOf(await scan(messages.message(messages.multipart('mixed', files)), by))).toEqual([
      'message parts',
    ]);
  });
});

describe('a scan that fails', () => {
  it('is unavailable, and no part is sent after it', async () => {
    clamd.script.push({ step: 'scan' }, { step: 'close' });
    const report = await scan(messages.message(messages.withAttachment('a', rest)));
    expect([kindsOf(report), streamsOf(report)]).toEqual([['1 unavailable'], ['message', '1']]);
  });

  it.each<[string, ClamdConduct, 'clamd' | undefined]>([
    ['clamd ends while it scans', { step: 'close' }, 'clamd'],
    ['clamd says that it failed', { step: 'say', words: 'INSTREAM: broken ERROR\0' }, undefined],
  ])('%s: whether the message may be to blame', async (_, conduct, broke) => {
    clamd.usual = conduct;
    const report = await scan(messages.message(messages.text()));
    expect(report.findings).toMatchObject([{ kind: 'unavailable' }]);
    expect(report.findings.map((one) => 'broke' in one && one.broke)).toEqual([broke ?? false]);
  });

  it('is unavailable when clamd is silent beyond the time limit, which counts from the end of data', async () => {
    clamd.usual = { step: 'hold' };
    const content = new MemoryContent();
    const bytes = messages.message(messages.text());
    content.append(bytes.subarray(0, 20));
    const by = scanner({ scanMsMax: 900_000 });
    const scanning = by.scan(content, signal);
    clock.advance(defaultLimits.scanMs * 2);
    content.append(bytes.subarray(20));
    content.end();
    await until(() => clamd.held === 1, 'clamd has it');
    clock.advance(defaultLimits.scanMs);
    const report = await scanning;
    expect(kindsOf(report)).toEqual(['message unavailable']);
    expect(report.findings[0]?.detail).toContain(`${defaultLimits.scanMs} ms`);
    expect(report.findings[0]).toMatchObject({ broke: 'clamd' });
    clamd.release();
    await until(() => by.load.inflight === 0, 'the orphan has ended');
  });

  it('is unavailable when no clamd was there beyond the time limit, and the message is not to blame', async () => {
    const by = scanner({ waitMs: 900_000 });
    await by.look();
    clamd.version = undefined;
    await by.look();
    const scanning = scan(messages.message(messages.text()), by);
    await until(() => by.load.waiting === 1, 'it waits');
    clock.advance(defaultLimits.scanMs);
    const { findings } = await scanning;
    expect(findings).toMatchObject([{ kind: 'unavailable', stream: 'message' }]);
    expect(findings[0]).not.toHaveProperty('broke');
    by.close();
  });

  it('tells once of signatures that are too old', async () => {
    clock = new FakeClock(Date.UTC(2026, 0, 1));
    clamd.version = 'ClamAV 1.4.6/27000/Thu Nov 20 08:50:33 2025';
    const report = await scan(messages.message(messages.withAttachment('a', rest)));
    expect(kindsOf(report)).toEqual(['message old-signatures']);
  });

  it('is unavailable when clamd hangs on a part that does not fit its buffers', async () => {
    clamd.script.push({ step: 'scan' }, { step: 'scan' });
    const by = scanner({ scanMsMax: 900_000 });
    await by.look();
    clamd.usual = { step: 'hang' };
    const scanning = scan(messages.largeMessage(12_000_000), by);
    await until(() => clamd.connections === 3 && clamd.open === 1, 'the part is under way');
    await until(() => clock.pending === 2, 'it stalls');
    clock.advance(defaultLimits.scanMs);
    expect(kindsOf(await scanning)).toEqual(['message unavailable']);
    await until(() => by.load.inflight === 0, 'all is free');
  });

  it('is cancelled by its signal, with its cause', async () => {
    const control = new AbortController();
    const content = new MemoryContent();
    const by = scanner();
    const scanning = by.scan(content, control.signal);
    content.append(Buffer.alloc(100_000, 'x'));
    await until(() => clamd.open === 1, 'it streams');
    control.abort(new Cancelled('peer-gone'));
    await expect(scanning).rejects.toEqual(new Cancelled('peer-gone'));
    await until(() => clamd.open === 0 && by.load.inflight === 0, 'all is free');
    expect(clamd.streams.every(({ terminated }) => !terminated)).toBe(true);
  });

  it('is an error when the message cannot be read back', async () => {
    const content = new MemoryContent();
    const by = scanner();
    const scanning = by.scan(content, signal);
    const failure = new OperationalError('STORE', 'spool gone');
    content.append(Buffer.alloc(100_000, 'x'));
    content.fail(failure);
    await expect(scanning).rejects.toBe(failure);
    await until(() => by.load.inflight === 0, 'all is free');
  });
});

describe('many large messages at once', () => {
  const places = 2;

  function large(count: number): MemoryContent[] {
    return Array.from({ length: count }, () => MemoryContent.of(messages.largeMessage(150_000)));
  }

  it('are read by no more than clamd has places, in their order, and all are scanned', async () => {
    clamd.usual = { step: 'hold' };
    const by = scanner({ inflightMax: places });
    const contents = large(6);
    const scanning = contents.map((content) => by.scan(content, signal));
    // A clamd is given one stream at first, so the second has its room and waits for a place.
    await until(() => clamd.held === 1, 'the first is sent');
    // Who waits was looked at for its size, once.
    const readings = contents.map((content) => content.readings);
    expect(readings.slice(places)).toEqual([1, 1, 1, 1]);
    clamd.usual = { step: 'scan' };
    clamd.release();
    const reports = await Promise.all(scanning);
    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect(reports.map(streamsOf)).toEqual(Array(6).fill(['message', '1', '2']));
  });

  it('that get no room in time are unavailable, and not taken for what broke the scan', async () => {
    clamd.usual = { step: 'hold' };
    const by = scanner({ inflightMax: 1, scanMsMax: 900_000 });
    const scanning = large(2).map((content) => by.scan(content, signal));
    await until(() => clamd.held === 1, 'the first is sent');
    clock.advance(defaultLimits.scanMs);
    const [first, second] = await Promise.all(scanning);
    expect(first?.findings).toMatchObject([{ kind: 'unavailable', broke: 'clamd' }]);
    expect(second?.findings).toMatchObject([{ kind: 'unavailable' }]);
    expect(second?.findings[0]).not.toHaveProperty('broke');
    clamd.release();
    await until(() => by.load.inflight === 0, 'the orphan has ended');
  });
});
