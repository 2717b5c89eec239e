import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
let clamd: FakeClamd;

beforeEach(async () => {
  clamd = await FakeClamd.start();
});

afterEach(() => clamd.stop());

function scanner(options: { everyPart?: boolean; readingsMax?: number } = {}): MessageScan {
  const { everyPart = false, readingsMax = defaultLimits.readingsMax } = options;
  return new MessageScan({
    endpoints: [clamd.address],
    clock: new FakeClock(),
    limits: { ...defaultLimits, readingsMax },
    clamd: defaultClamdSettings,
    everyPart,
  });
}

const scan = (bytes: Buffer, by = scanner()): Promise<ScanReport> =>
  by.scan(MemoryContent.of(bytes), signal);
const kindsOf = ({ findings }: ScanReport): string[] =>
  findings.map((one) => `${one.stream} ${one.kind === 'partial' ? one.reason : one.kind}`);
const streamsOf = ({ streams }: ScanReport): string[] => streams.map(({ stream }) => stream);

const base64 = (content: Buffer): string => content.toString('base64').replace(/.{76}/g, '$&\r\n');

/** A body that mailparser takes as it stands, and others decode. */
function disguised(content: Buffer): Buffer {
  const fields = ['Content-Type: application/x', 'Content-Transfer-Encoding: "base64"'];
  return messages.message({ fields, body: Buffer.from(`${base64(content)}\r\n`) });
}

describe('readings', () => {
  it('that the parser does not give are scanned', async () => {
    const report = await scan(disguised(messages.eicarFile));
    expect(kindsOf(report)).toEqual(['reading 1 infected']);
    expect(report.streams.at(-1)).toMatchObject({
      bytes: 68,
      answer: 'stream: Eicar-Test FOUND',
    });
    expect(report.streams.at(-1)?.label).toMatch(/^bytes \d+ to \d+ as base64$/);
  });

  it('that are found clean make the message ambiguous, with the ways to them', async () => {
    const report = await scan(disguised(Buffer.from('harmless')));
    expect(kindsOf(report)).toEqual(['message ambiguous']);
    expect(report.findings[0]?.detail).toMatch(/^clients differ: bytes \d+ to \d+ as base64 \(/);
    expect(streamsOf(report)).toEqual(['message', '1', 'reading 1', 'reading 2']);
  });

  it.each([
    ['as it stands', 100],
    ['in the spool', 700_000],
  ])('that are known already are not sent again, %s', async (_, bytes) => {
    const report = await scan(messages.message(messages.withAttachment('a', randomBytes(bytes))));
    expect(streamsOf(report)).toEqual(['message', '1', '2']);
    expect(clamd.connections).toBe(3);
  });

  it('of ordinary mail are no others, and nothing is sent twice', async () => {
    const by = scanner();
    await by.look();
    for (const { bytes } of messages.sampleMessages().filter(({ infected }) => !infected)) {
      const report = await by.scan(MemoryContent.of(bytes), signal);
      expect(report.findings).toEqual([]);
      const digests = report.streams.filter(({ sameAs }) => !sameAs).map(({ digest }) => digest);
      expect(new Set(digests).size).toBe(digests.length);
    }
  });

  it('that are large flow by, and go whole to another clamd when one breaks', async () => {
    const other = await FakeClamd.start();
    const content = Buffer.concat([messages.eicarFile, Buffer.alloc(700_000, 'z')]);
    // They take turns: it is asked for the whole and for the reading, between them the other for the part.
    other.script.push({ step: 'scan' }, { step: 'close' });
    const by = new MessageScan({
      endpoints: [other.address, clamd.address],
      clock: new FakeClock(),
      limits: defaultLimits,
      clamd: defaultClamdSettings,
    });
    const report = await scan(disguised(content), by);
    await other.stop();
    expect(kindsOf(report)).toEqual(['reading 1 infected']);
    const [part, reading] = clamd.streams.map(({ bytes }) => bytes);
    expect([part?.equals(content), reading?.equals(content)]).toEqual([false, true]);
  });

  it('are shown with how and why, where that was asked for', async () => {
    const report = await scan(disguised(Buffer.from('harmless')), scanner({ everyPart: true }));
    expect(report.readings).toMatchObject([
      { stream: '1', odd: true, why: 'the body of the message' },
      { stream: 'reading 1', odd: true, bytes: 8 },
      { stream: 'reading 2', odd: true },
    ]);
    const plain = await scan(disguised(Buffer.from('harmless')));
    expect(plain.readings).toBeUndefined();
  });

  it('are not looked for behind malware', async () => {
    const infected = messages.attachment('e', messages.eicarFile);
    const odd = { fields: ['Content-Transfer-Encoding: "base64"'], body: Buffer.from('QUJD') };
    const report = await scan(messages.message(messages.multipart('mixed', [infected, odd])));
    expect(streamsOf(report)).toEqual(['message', '1']);
  });

  it('end where clamd cannot be asked', async () => {
    clamd.script.push({ step: 'scan' }, { step: 'scan' });
    clamd.usual = { step: 'close' };
    const report = await scan(disguised(Buffer.from('harmless')));
    expect(kindsOf(report)).toEqual(['reading 1 unavailable']);
  });
});

describe('not all readings', () => {
  it('over the ceiling is partial', async () => {
    const report = await scan(disguised(Buffer.from('harmless')), scanner({ readingsMax: 2 }));
    expect(kindsOf(report)).toEqual(['message readings', 'message ambiguous']);
    expect(report.findings[0]?.detail).toBe('more than 2 readings');
  });

  it('where they would come to more than many times the message is partial', async () => {
    const part = (name: string): messages.Entity => messages.attachment(name, randomBytes(1000));
    const parts = Array.from({ length: 200 }, (_, index) => part(`f${index}`));
    const inner = messages.message(messages.multipart('mixed', parts));
    const fields = ['Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64'];
    const report = await scan(messages.message({ fields, body: Buffer.from(base64(inner)) }));
    expect(kindsOf(report)).toEqual(['message readings']);
    expect(report.findings[0]?.detail).toBe('more than 24 times the message to read');
  });

  it('of a fragment is partial', async () => {
    const fields = ['Content-Type: message/partial; number=1; total=2; id=x'];
    const report = await scan(
      messages.message({ fields, body: Buffer.from('Subject: x\r\n\r\nx') }),
    );
    expect(kindsOf(report)).toEqual(['message fragment']);
  });

  it('when called off is cancelled', async () => {
    clamd.script.push({ step: 'scan' }, { step: 'scan' }, { step: 'hold' });
    const control = new AbortController();
    const scanning = scanner().scan(MemoryContent.of(disguised(Buffer.from('x'))), control.signal);
    await until(() => clamd.held === 1, 'a reading is at clamd');
    control.abort(new Cancelled('deadline'));
    await expect(scanning).rejects.toEqual(new Cancelled('deadline'));
  });

  it('when the message cannot be read back is an error', async () => {
    clamd.script.push({ step: 'scan' }, { step: 'scan' }, { step: 'hold' });
    const content = MemoryContent.of(disguised(Buffer.alloc(400_000, 'x')));
    const scanning = scanner().scan(content, signal);
    await until(() => clamd.connections === 3, 'a reading is at clamd');
    const failure = new OperationalError('STORE', 'spool gone');
    content.fail(failure);
    await expect(scanning).rejects.toBe(failure);
  });
});
