import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { defaultLimits } from '../../src/limits.ts';
import { defaultClamdSettings, MessageScan } from '../../src/scan/message-scan.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import * as made from '../support/archives.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
let clamd: FakeClamd;

beforeEach(async () => {
  clamd = await FakeClamd.start();
});

afterEach(() => clamd.stop());

function scan(bytes: Buffer): Promise<ScanReport> {
  const scanner = new MessageScan({
    endpoints: [clamd.address],
    clock: new FakeClock(),
    limits: defaultLimits,
    clamd: defaultClamdSettings,
  });
  return scanner.scan(MemoryContent.of(bytes), signal);
}

const locked = made.zip({ name: 'a.txt', localFlags: 1 });
const attached = (content: Buffer): Buffer =>
  messages.message(messages.withAttachment('a.bin', content));

describe('encrypted content', () => {
  it.each([
    ['small', locked],
    ['large', Buffer.concat([locked, randomBytes(600_000)])],
  ])('is found in a part, %s', async (_, content) => {
    const { findings } = await scan(attached(content));
    expect(findings).toEqual([{ kind: 'encrypted', stream: '2', detail: 'Zip' }]);
  });

  it('is found in what only some clients read', async () => {
    const fields = ['Content-Type: application/x', 'Content-Transfer-Encoding: "base64"'];
    const body = Buffer.from(`${locked.toString('base64')}\r\n`);
    const { findings } = await scan(messages.message({ fields, body }));
    expect(findings).toContainEqual({ kind: 'encrypted', stream: 'reading 1', detail: 'Zip' });
  });

  it('is told of once, however often it is there', async () => {
    const part = messages.attachment('a', locked);
    const { findings } = await scan(messages.message(messages.multipart('mixed', [part, part])));
    expect(findings).toHaveLength(1);
  });

  it('is not found in what is open', async () => {
    for (const content of [made.zip({ name: 'a' }), made.pdf('trailer <<>>'), randomBytes(5000)]) {
      expect((await scan(attached(content))).findings).toEqual([]);
    }
  });
});
