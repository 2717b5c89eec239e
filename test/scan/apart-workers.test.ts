/** That it makes no difference who takes a message apart, and what becomes of one whose worker ends. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  test,
} from '@jest/globals';
import { createHash } from 'node:crypto';
import { Canceller } from '../../src/cancel-signal.ts';
import { systemClock } from '../../src/clock.ts';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ApartWorkers, type WorkerEnded } from '../../src/scan/apart-workers.ts';
import { ClamdPool } from '../../src/scan/clamd-pool.ts';
import { defaultClamdSettings, poolSettingsOf } from '../../src/scan/clamd-settings.ts';
import { MessageScan, type MessageScanOptions } from '../../src/scan/message-scan.ts';
import type { ScanReport } from '../../src/scan/scanner.ts';
import { smallStreamBytes } from '../../src/scan/stream-scans.ts';
import { benignMessages } from '../evasion/benign.ts';
import { hostileMessages } from '../evasion/hostile.ts';
import { eicar } from '../support/eicar.ts';
import { FakeClamd, type FakeStream } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryContent, until } from '../support/memory-content.ts';
import * as messages from '../support/messages.ts';

const { signal } = new Canceller();
const open: ApartWorkers[] = [];
let clamd: FakeClamd;

beforeEach(async () => {
  clamd = await FakeClamd.start();
});

afterEach(async () => {
  await clamd.stop();
});

afterAll(async () => {
  await Promise.all(open.map((workers) => workers.close()));
});

function scanner(more: Partial<MessageScanOptions> = {}): MessageScan {
  return new MessageScan({
    endpoints: [clamd.address],
    clock: systemClock,
    limits: defaultLimits,
    clamd: defaultClamdSettings,
    ...more,
  });
}

/** What of it is not a matter of time. */
function timeless({ streams, ...report }: ScanReport): unknown {
  return { ...report, streams: streams.map((stream) => ({ ...stream, ms: 0 })) };
}

/** Of those that were sent to their end. */
function digests(streams: readonly FakeStream[]): string[] {
  const whole = streams.filter(({ terminated }) => terminated);
  return whole.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'));
}

const random = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, at) => (at * at * 31 + (at >> 7)) & 0xff));

const large = Buffer.concat([random(3 * smallStreamBytes), Buffer.from(eicar)]);

describe('a report', () => {
  let workers: ApartWorkers;

  beforeAll(() => {
    workers = new ApartWorkers({ count: 2, clock: systemClock, observe: () => undefined });
    open.push(workers);
  });

  const some = [...hostileMessages(), ...benignMessages()].filter((_, at) => at % 25 === 0);
  const cases = [
    ...messages.sampleMessages(),
    ...some,
    { name: 'a large part', bytes: messages.message(messages.withAttachment('a', large)) },
    {
      name: 'a large message in a message',
      bytes: messages.message(
        messages.forwarded(messages.message(messages.withAttachment('a', large))),
      ),
    },
    {
      name: 'a message in a message that cannot be taken apart to its end',
      bytes: messages.message(
        messages.forwarded(
          messages.message(
            messages.multipart('mixed', [
              messages.attachment('a', large),
              { ...messages.text(), fields: [`X-Long: ${'x'.repeat(300_000)}`] },
            ]),
          ),
        ),
      ),
    },
    {
      name: 'parts that a rule bans',
      bytes: messages.message(messages.withAttachment('a.exe', Buffer.from('MZ'))),
    },
  ];
  const banned: NonNullable<MessageScanOptions['banned']> = [
    {
      name: 'programs',
      action: 'quarantine',
      names: ['*.exe'],
      types: [],
      realTypes: [],
      tricks: ['direction-override'],
      unlisted: true,
      inArchives: true,
      listeners: [],
      senders: [],
      recipients: [],
    },
  ];

  it.each(cases.flatMap((one) => [false, true].map((everyPart) => ({ ...one, everyPart }))))(
    'on $name is the same, all shown: $everyPart',
    async ({ bytes, everyPart }) => {
      const here = await scanner({ everyPart, banned }).scan(MemoryContent.of(bytes), signal);
      const sent = digests(clamd.streams.splice(0));
      const there = await scanner({ everyPart, banned, workers }).scan(
        MemoryContent.of(bytes),
        signal,
      );
      expect(timeless(there)).toEqual(timeless(here));
      expect(digests(clamd.streams)).toEqual(sent);
    },
  );

  it('of a message that no clamd could scan is the same', async () => {
    const bytes = messages.message(messages.withAttachment('a', random(100)));
    const reports = [];
    for (const more of [{}, { workers }]) {
      clamd.script.push({ step: 'scan' }, { step: 'close' });
      reports.push(timeless(await scanner(more).scan(MemoryContent.of(bytes), signal)));
    }
    expect(reports[1]).toEqual(reports[0]);
  });

  it('of a large part that clamd refuses early is the same, and the next part is whole', async () => {
    const parts = ['a', 'b'].map((name) => messages.attachment(name, large));
    const bytes = messages.message(messages.multipart('mixed', [...parts, ...parts]));
    const refused = { step: 'size-limit', streamBytesMax: 100_000 } as const;
    const reports = [];
    for (const more of [{}, { workers }, { workers }, { workers }]) {
      clamd.script.push({ step: 'scan' }, refused, { step: 'scan' });
      reports.push(timeless(await scanner(more).scan(MemoryContent.of(bytes), signal)));
      expect(clamd.streams.at(-1)?.bytes.equals(large)).toBe(true);
    }
    for (const report of reports) expect(report).toEqual(reports[0]);
  });

  it('of a message whose part waits for clamd until the time is over blames nobody', async () => {
    const clock = new FakeClock();
    const settings = { ...defaultClamdSettings, inflightMax: 1, waitMs: 3_600_000 };
    const pool = new ClamdPool(poolSettingsOf([{ address: clamd.address, weight: 1 }], settings), {
      clock,
      random: Math.random,
    });
    const busy = new Canceller();
    clamd.script.push({ step: 'scan' }, { step: 'hold' });
    const bytes = messages.message(messages.withAttachment('a', random(100)));
    const by = scanner({ workers, pool, clock, clamd: settings });
    const report = by.scan(MemoryContent.of(bytes), signal, () => {
      pool.scan({ open: () => [random(10)], repeatable: true }, busy.signal).catch(() => undefined);
    });
    await until(() => clamd.held === 1 && pool.load.waiting === 1, 'the part waits');
    clock.advance(defaultLimits.scanMs);
    const [finding] = (await report).findings;
    expect([finding?.kind, finding && 'broke' in finding]).toEqual(['unavailable', false]);
    busy.abort(new Cancelled('not-needed'));
    pool.close();
  });

  it('uses what was clean lately', async () => {
    const cache = { entriesMax: 10, ageMsMax: 60_000 };
    const by = scanner({ workers, cache });
    await by.look();
    const bytes = (text: string): Buffer =>
      messages.message(messages.withAttachment(text, random(2000)));
    await by.scan(MemoryContent.of(bytes('a')), signal);
    const report = await by.scan(MemoryContent.of(bytes('b')), signal);
    expect(report.streams.map(({ cached }) => cached)).toEqual([undefined, true, true]);
  });

  it('is none when the message cannot be read', async () => {
    const content = MemoryContent.of(messages.message(messages.withAttachment('a', large)));
    const reason = new OperationalError('STORE', 'the disk is gone');
    const report = scanner({ workers }).scan(content, signal, () => {
      content.fail(reason);
    });
    await expect(report).rejects.toThrow(reason);
  });

  it('is none when it is called off, and nobody reads the message then', async () => {
    const content = MemoryContent.of(messages.message(messages.withAttachment('a', large)));
    clamd.script.push({ step: 'scan' }, { step: 'hold' });
    const canceller = new Canceller();
    const report = scanner({ workers }).scan(content, canceller.signal);
    report.catch(() => undefined);
    await until(() => clamd.held === 1, 'a part is with clamd');
    canceller.abort(new Cancelled('peer-gone'));
    await expect(report).rejects.toMatchObject({ why: 'peer-gone' });
    clamd.release();
    const { readings } = content;
    const next = await scanner({ workers }).scan(
      MemoryContent.of(messages.sampleMessages()[1]?.bytes ?? Buffer.alloc(0)),
      signal,
    );
    expect(next.findings.map(({ kind }) => kind)).toEqual(['infected']);
    expect(content.readings).toBe(readings);
  });
});

describe('a worker that ends', () => {
  const bytes = messages.message(messages.withAttachment('a', random(100)));
  const program = (code: string): URL =>
    new URL(`data:text/javascript,import { parentPort } from 'node:worker_threads';${code}`);
  let clock: FakeClock;
  let ends: WorkerEnded[];

  function workersOf(code: string, count = 1): ApartWorkers {
    // Workers of an earlier test may still end.
    const own = ends;
    const observe = (ended: WorkerEnded): void => void own.push(ended);
    const workers = new ApartWorkers({ count, clock, observe, program: program(code) });
    open.push(workers);
    return workers;
  }

  beforeEach(() => {
    clock = new FakeClock();
    ends = [];
  });

  test('has perhaps died of the message, and another one is started', async () => {
    const workers = workersOf("parentPort.on('message', () => { throw new Error('oh') });");
    clock.advance(5000);
    const scan = scanner({ workers });
    for (let round = 1; round <= 2; round++) {
      const report = await scan.scan(MemoryContent.of(bytes), signal);
      const detail = expect.stringMatching(/has ended: .*oh$/);
      expect(report.findings).toMatchObject([{ kind: 'unavailable', broke: 'worker', detail }]);
      expect(ends).toHaveLength(round);
      expect(workers.running).toBe(1);
      clock.advance(5000);
    }
    expect(ends[0]?.detail).toMatch(/oh$/);
  });

  test('at once, is not followed by another at once, and meanwhile nothing is scanned', async () => {
    const workers = workersOf("throw new Error('no');");
    await until(() => ends.length === 1, 'it has ended');
    expect(workers.running).toBe(0);
    const report = await scanner({ workers }).scan(MemoryContent.of(bytes), signal);
    expect(report.findings).toEqual([
      { kind: 'unavailable', stream: 'message', detail: 'no worker is running' },
    ]);
    clock.advance(1000);
    expect(workers.running).toBe(1);
  });

  test('with a message that it has not even looked at has lost that one, too', async () => {
    const workers = workersOf('');
    const report = await scanner({ workers }).scan(MemoryContent.of(bytes), signal);
    const detail = 'the worker that took it apart has ended: it has ended with code 0';
    expect(report.findings).toMatchObject([{ kind: 'unavailable', broke: 'worker', detail }]);
    expect(ends).toEqual([{ detail: 'it has ended with code 0', messages: 1 }]);
  });

  test('because it hangs with one message is ended, and that one is blamed alone', async () => {
    const workers = workersOf(
      "parentPort.on('message', (port) => { (globalThis.ports ??= []).push(port) });",
    );
    let begun = 0;
    const scan = (scanMs: number): Promise<ScanReport> =>
      scanner({ workers, clock, limits: { ...defaultLimits, scanMs } }).scan(
        MemoryContent.of(bytes),
        signal,
        () => begun++,
      );
    const reports = Promise.all([scan(1000), scan(1_000_000)]);
    await until(() => begun === 2, 'the worker has both');
    clock.advance(1000);
    clock.advance(10_000);
    const [guilty, other] = await reports;
    expect(guilty.findings).toMatchObject([{ kind: 'unavailable', broke: 'worker' }]);
    expect(other.findings.map((one) => 'broke' in one)).toEqual([false]);
  });

  test('because it hangs is ended, some time after the message was called off', async () => {
    const workers = workersOf("parentPort.on('message', (port) => { globalThis.port = port });");
    const canceller = new Canceller();
    let begun = false;
    const report = scanner({ workers }).scan(MemoryContent.of(bytes), canceller.signal, () => {
      begun = true;
    });
    report.catch(() => undefined);
    await until(() => begun, 'the worker has it');
    canceller.abort(new Cancelled('deadline'));
    await until(() => clock.pending > 0, 'it is waited for');
    clock.advance(10_000);
    await expect(report).rejects.toMatchObject({ why: 'deadline' });
    expect(ends[0]?.detail).toBe('it has not let go of a message for 10000 ms');
  });
});
