/** That old signatures are told of whichever stream they have looked at, and once of each clamd. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../src/limits.ts';
import { ApartWorkers } from '../../src/scan/apart-workers.ts';
import { defaultClamdSettings } from '../../src/scan/clamd-settings.ts';
import { noWorth } from '../../src/scan/clamd-worth.ts';
import { MessageScan } from '../../src/scan/message-scan.ts';
import type { ClamdAnswer } from '../../src/scan/stream-attempts.ts';
import { StreamScans } from '../../src/scan/stream-scans.ts';
import type { Finding } from '../../src/verdict/finding.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { decide } from '../../src/verdict/verdict.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new AbortController();
const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ stream, kind, detail }) => `${stream} ${kind} ${detail}`);
const aboutOld = (stream: string, name = 'old'): string =>
  `${stream} old-signatures the signatures of ${name} are too old`;

describe('of streams that clamds have looked at', () => {
  const { streamBytesMax, fileBytesMax, scanMsMax } = defaultClamdSettings;
  const ceilings = { streamBytesMax, fileBytesMax, scanMsMax };
  const isOld = (endpoint: string): boolean => endpoint.startsWith('old');
  const answerOf = (endpoint: string): ClamdAnswer => ({
    reply: { kind: 'ok' },
    words: 'stream: OK',
    endpoint,
    ms: 1,
    scanMs: 1,
    worth: { ...noWorth, ceilings, hasOldSignatures: isOld(endpoint) },
  });

  /** Each by the clamd of that name, 'kept:' where that has said it before. */
  async function scan(...by: string[]): Promise<StreamScans> {
    const endpoints = by.map((name) => name.replace('kept:', ''));
    let at = 0;
    const find = (): Promise<{ endpoint: string; hasOldSignatures: boolean } | undefined> => {
      const endpoint = endpoints[at] ?? '';
      const kept = { endpoint, hasOldSignatures: isOld(endpoint) };
      return Promise.resolve(by[at]?.startsWith('kept:') ? kept : undefined);
    };
    const pool = { scan: () => Promise.resolve(answerOf(endpoints[at] ?? '')) };
    const cache = { find, watch: () => undefined };
    const scans = new StreamScans({ pool, cache, pastMalware: false }, signal);
    for (; at < by.length; at++) {
      const content = { bytes: 1, digest: String(at), container: undefined };
      await scans.scan({ stream: String(at), label: '' }, content, { whole: [Buffer.from('x')] });
    }
    return scans;
  }

  it.each<[string, string[], string[]]>([
    ['fresh ones nothing', ['fresh', 'kept:fresh'], []],
    ['an old one it', ['fresh', 'old'], [aboutOld('1')]],
    ['an old one it once', ['old', 'fresh', 'old', 'kept:old'], [aboutOld('0')]],
    ['a kept answer it, too', ['fresh', 'kept:old', 'old'], [aboutOld('1')]],
    ['two old ones each', ['old', 'old2', 'old'], [aboutOld('0'), aboutOld('1', 'old2')]],
  ])('is told of %s', async (_, by, expected) => {
    expect(told((await scan(...by)).findings)).toEqual(expected);
  });

  it('is told once, also where a worker has found it, too', async () => {
    const scans = await scan('old');
    scans.take(await scan('old', 'old2', 'old2'));
    expect(told(scans.findings)).toEqual([aboutOld('0'), aboutOld('1', 'old2')]);
    expect(scans.streams).toHaveLength(4);
  });
});

describe('with `old_signatures = "defer"` a message', () => {
  let fresh: FakeClamd;
  let old: FakeClamd;
  let workers: ApartWorkers;
  const bytes = messages.message(messages.withAttachment('a', Buffer.from('something new')));

  beforeAll(() => {
    workers = new ApartWorkers({ count: 1, clock: new FakeClock(), observe: () => undefined });
  });
  afterAll(async () => {
    await workers.close();
  });
  beforeEach(async () => {
    [fresh, old] = [await FakeClamd.start(), await FakeClamd.start()];
    fresh.version = 'ClamAV 1.4.6/2/Sun Nov 30 2025';
    old.version = 'ClamAV 1.4.6/1/Thu Nov 20 2025';
  });
  afterEach(async () => {
    await Promise.all([fresh.stop(), old.stop()]);
  });

  it.each<[string, 'here' | 'in a worker', readonly ('fresh' | 'old')[], string[]]>([
    ['passes that fresh ones scanned', 'here', ['fresh'], []],
    ['waits, whose part an old one scanned', 'here', ['fresh', 'old'], ['1']],
    ['waits, whose part an old one scanned', 'in a worker', ['fresh', 'old'], ['1']],
    ['waits that an old one scanned', 'here', ['old'], ['message']],
    ['waits that an old one scanned', 'in a worker', ['old'], ['message']],
  ])('%s, taken apart %s', async (_, apart, by, expected) => {
    const scanner = new MessageScan({
      // In turn: the whole goes to the first of them.
      endpoints: by.map((name) => (name === 'old' ? old.address : fresh.address)),
      clock: new FakeClock(Date.UTC(2025, 11, 1)),
      limits: defaultLimits,
      clamd: defaultClamdSettings,
      ...(apart === 'in a worker' && { workers }),
    });
    await scanner.look();
    const { findings } = await scanner.scan(MemoryContent.of(bytes), signal);
    scanner.close();
    expect(told(findings)).toEqual(expected.map((stream) => aboutOld(stream, old.address.name)));
    const { action } = decide(findings, { ...defaultRules, 'old-signatures': 'defer' });
    expect(action).toBe(expected.length > 0 ? 'defer' : 'pass');
  });
});
