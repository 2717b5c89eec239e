/** The scanner against Debian's clamd, with a database that knows EICAR at offset 0 only. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import { mailPrefix } from '../../src/scan/mail-stream.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { newPool } from '../support/pool.ts';
import { PrivateClamd } from '../support/private-clamd.ts';

const MiB = 1024 * 1024;
jest.setTimeout(60_000);
const { signal } = new AbortController();

describeNeeding(['clamd'], 'clamd', () => {
  let clamd: PrivateClamd;

  beforeAll(async () => {
    clamd = await PrivateClamd.start({
      StreamMaxLength: '2M',
      MaxFileSize: '1M',
      MaxConnectionQueueLength: '2',
    });
  }, 90_000);

  afterAll(async () => {
    await clamd.close();
  });

  function scanner(address: ClamdAddress, limits = defaultLimits): MessageScan {
    const settings = { ...defaultClamdSettings, streamBytesMax: 2 * MiB, fileBytesMax: MiB };
    return new MessageScan({ endpoints: [address], clock: systemClock, limits, clamd: settings });
  }

  const kinds = async (bytes: Buffer, by = scanner(clamd.unix)): Promise<string[]> => {
    const { findings } = await by.scan(MemoryContent.of(bytes), signal);
    return findings.map((one) => `${one.stream} ${one.kind === 'partial' ? one.reason : one.kind}`);
  };

  it.each(messages.sampleMessages())('says of $name what it is', async ({ bytes, infected }) => {
    for (const address of [clamd.unix, clamd.tcp]) {
      const found = await kinds(bytes, scanner(address));
      // This clamd has AlertExceedsMax off, as it is shipped.
      const loud = found.filter((one) => !one.endsWith(' limits-silent'));
      expect(loud).toEqual(infected ? ['message infected'] : []);
    }
  });

  it('takes a message for mail only with our first line, when its own is unusual', async () => {
    const fields = ['Zork: a field that clamd does not know', 'From: a@example.net', 'Subject: x'];
    const message = messages.message({ fields: [], body: messages.eicarFile }, fields);
    const pool = newPool([clamd.unix]);
    const words = async (chunks: Buffer[]): Promise<string> =>
      (await pool.scan({ open: () => chunks, repeatable: true }, signal)).words;
    expect(await words([message])).toBe('stream: OK');
    expect(await words([mailPrefix, message])).toMatch(/^stream: Eicar-.* FOUND$/);
  });

  it('is believed about a size only as far as it could have looked', async () => {
    expect(await kinds(messages.largeMessage(800_000))).toEqual(['message file-size']);
    expect(await kinds(messages.largeMessage(1_700_000))).toEqual([
      'message stream-length',
      '2 file-size',
    ]);
    expect(await kinds(messages.largeMessage(3_000_000))).toEqual([
      'message stream-length',
      '2 stream-length',
    ]);
  });

  it('that finds EICAR behind what it refused is not needed for the refusal', async () => {
    const files = [Buffer.alloc(3 * MiB), messages.eicarFile].map((content, i) =>
      messages.attachment(`f${i}`, content),
    );
    const bytes = messages.message(messages.multipart('mixed', files));
    expect(await kinds(bytes)).toEqual(['message stream-length', '1 stream-length', '2 infected']);
  });

  it('tells its version', async () => {
    const by = scanner(clamd.unix);
    await by.look();
    const [status] = by.status;
    expect(status).toMatchObject({ endpoint: clamd.unix.name, ok: true });
    expect(status?.detail).toMatch(/^ClamAV \d/);
  });

  it('frozen is unavailable within the time limit, and well again afterwards', async () => {
    const by = scanner(clamd.unix, { ...defaultLimits, scanMs: 500 });
    const message = messages.message(messages.text());
    await by.look();
    clamd.pause();
    expect(await kinds(message, by)).toEqual(['message unavailable']);
    expect(by.load.inflight).toBe(1);
    clamd.resume();
    expect(await kinds(message)).toEqual([]);
  });

  it('with a full backlog is tried again shortly', async () => {
    const by = scanner(clamd.unix);
    const message = messages.message(messages.text());
    for (let warming = 0; warming < 30; warming++) await kinds(message, by);
    clamd.pause();
    const scans = Array.from({ length: 8 }, () => kinds(message, by));
    await delay(200);
    clamd.resume();
    expect(await Promise.all(scans)).toEqual(Array(8).fill([]));
  });

  it('stopped is unavailable, and well again when it is back', async () => {
    const message = messages.message(messages.text());
    const by = scanner(clamd.unix, { ...defaultLimits, scanMs: 500 });
    await clamd.stop();
    expect(await kinds(message, by)).toEqual(['message unavailable']);
    expect(by.status[0]).toMatchObject({ ok: false, state: 'starting' });
    await clamd.restart();
    expect(await kinds(message)).toEqual([]);
  }, 90_000);
});
