/**
 * clamdjs as an independent second opinion on the whole-message stream, and the reasons why it is
 * not on the scan path (docs/decisions/0001-instream.md).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { mailPrefix } from '../../src/scan/mail-stream.ts';
import { type ClamdConduct, FakeClamd } from '../support/fake-clamd.ts';
import * as messages from '../support/messages.ts';
import { describeNeeding } from '../support/needs.ts';
import { newPool } from '../support/pool.ts';
import { PrivateClamd } from '../support/private-clamd.ts';

interface Clamdjs {
  createScanner(
    host: string,
    port: number,
  ): { scanBuffer(bytes: Buffer, timeoutMs: number): Promise<string> };
  isCleanReply(reply: string): boolean;
}

const clamdjs = createRequire(import.meta.url)('clamdjs') as Clamdjs;
const { signal } = new AbortController();
const fixtures = new URL('../../fixtures/messages/', import.meta.url);

/** Every fixture, and the messages that hold EICAR and therefore cannot be files. */
function allMessages(): { name: string; bytes: Buffer; infected: boolean }[] {
  const files = readdirSync(fixtures).map((name) => ({
    name,
    bytes: readFileSync(new URL(name, fixtures)),
    infected: false,
  }));
  return [...files, ...messages.sampleMessages()];
}

describeNeeding(['clamd'], 'clamdjs and our scanner', () => {
  let clamd: PrivateClamd;

  beforeAll(async () => {
    clamd = await PrivateClamd.start();
  }, 90_000);

  afterAll(async () => {
    await clamd.close();
  });

  it.each(allMessages())('say the same of $name', async ({ bytes, infected }) => {
    const sent = Buffer.concat([mailPrefix, bytes]);
    const pool = newPool([clamd.tcp]);
    const ours = await pool.scan({ open: () => [sent], repeatable: true }, signal);
    const theirs = await clamdjs.createScanner('127.0.0.1', clamd.port).scanBuffer(sent, 10_000);
    expect(`${ours.words}\0`).toBe(theirs);
    expect(ours.reply.kind).toBe(infected ? 'found' : 'ok');
    expect(clamdjs.isCleanReply(theirs)).toBe(!infected);
  });
});

describe('clamdjs', () => {
  async function withClamd<T>(
    conduct: ClamdConduct,
    act: (scan: Promise<string>, clamd: FakeClamd) => Promise<T>,
    timeoutMs = 10_000,
  ): Promise<T> {
    const clamd = await FakeClamd.start();
    clamd.usual = conduct;
    const port = Number(new URL(clamd.address.name.replace('tcp:', 'http:')).port);
    const scan = clamdjs.createScanner('127.0.0.1', port).scanBuffer(Buffer.from('x'), timeoutMs);
    try {
      return await act(scan, clamd);
    } finally {
      await clamd.stop();
    }
  }

  it('resolves with nothing when clamd dies in mid-scan', async () => {
    expect(await withClamd({ step: 'close' }, (scan) => scan)).toBe('');
  });

  it('calls a scan that takes longer than the time limit a failure to connect', async () => {
    await withClamd(
      { step: 'hold' },
      async (scan, clamd) => {
        await expect(scan).rejects.toThrow('Timeout connecting to server');
        // It had connected, and sent everything.
        expect(clamd.streams[0]).toMatchObject({ terminated: true });
      },
      300,
    );
  });

  it('calls clean what is an error with the letters OK in it', async () => {
    const words = 'stream: BROKEN ERROR\0';
    const reply = await withClamd({ step: 'say', words }, (scan) => scan);
    expect([reply, clamdjs.isCleanReply(reply)]).toEqual([words, true]);
  });
});
