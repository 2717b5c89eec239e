/** What becomes of mail while clamds start, reload, lie, are drained, and come and go. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClamdPool } from '../../src/scan/clamd-pool.ts';
import type { PoolEvent, PoolSettings } from '../../src/scan/pool-settings.ts';
import type { ClamdAnswer } from '../../src/scan/stream-attempts.ts';
import { FakeClamd } from '../support/fake-clamd.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/memory-content.ts';
import { newPool, readyPool, settingsFor } from '../support/pool.ts';

const { signal } = new AbortController();
let clock: FakeClock;
let clamds: FakeClamd[];
let pool: ClamdPool;
let events: PoolEvent[];

beforeEach(() => {
  clock = new FakeClock();
  clamds = [];
  events = [];
});
afterEach(async () => {
  pool.close();
  await Promise.all(clamds.map((clamd) => clamd.stop().catch(() => undefined)));
  await until(() => clock.pending === 0, 'no timer is left');
});

const observe = (event: PoolEvent): void => {
  events.push(event);
};

async function start(count: number, settings: Partial<PoolSettings> = {}): Promise<FakeClamd[]> {
  for (let i = 0; i < count; i++) clamds.push(await FakeClamd.start());
  pool = await readyPool(
    clamds.map(({ address }) => address),
    { clock, settings: { waitMs: 60_000, silenceMs: 150_000, ...settings }, observe },
  );
  return clamds;
}

const nothing = Buffer.from('x');
const scan = (bytes = nothing): Promise<ClamdAnswer> => pool.scan({ whole: [bytes] }, signal);
const states = (): string[] => pool.status.map(({ state }) => state);
const told = (): string[] =>
  events.flatMap((event) => (event.kind === 'state' ? [event.endpoint.state] : []));

/** Time passes until it holds. */
async function inTime(condition: () => boolean, what: string): Promise<void> {
  await until(() => {
    if (!condition()) clock.advance(100);
    return condition();
  }, what);
}

/** Streams enough that the limit is at its ceiling. */
async function warm(): Promise<void> {
  while (pool.status.some(({ limit, ok }) => ok && limit < 8)) await scan();
}

function at(index: number): FakeClamd {
  const clamd = clamds[index];
  if (!clamd) throw new Error('no such clamd');
  return clamd;
}

describe('a stream', () => {
  it('gets no clamd before that has shown its canary', async () => {
    clamds.push(await FakeClamd.start());
    at(0).ofEicar = 'stream: OK\0';
    pool = newPool([at(0).address], { clock, settings: { waitMs: 60_000 }, observe });
    const answer = await scan();
    expect(answer).toMatchObject({ reply: { kind: 'failed' }, endpoint: '' });
    expect(answer.words).toMatch(/no clamd is there.*lying: called EICAR clean/);
    expect([at(0).connections, told()]).toEqual([0, ['lying']]);
  });

  it('waits while its only clamd starts, and is scanned when it is there', async () => {
    await start(1);
    at(0).version = undefined;
    await pool.look();
    expect(states()).toEqual(['starting']);
    const scanning = scan();
    await until(() => pool.load.waiting === 1, 'it waits');
    clock.advance(2000);
    expect(pool.load.waiting).toBe(1);
    at(0).version = 'ClamAV 1.4.6/1/Thu Nov 20 2025';
    await inTime(() => pool.load.waiting === 0, 'it is admitted');
    expect((await scanning).reply.kind).toBe('ok');
    // When it began to wait, and as clamd answered again.
    expect(told()).toEqual(['ready', 'starting', 'ready']);
  });

  it("waits no longer than it may, and that is nobody's fault", async () => {
    await start(1);
    at(0).version = undefined;
    await pool.look();
    const scanning = scan();
    await until(() => pool.load.waiting === 1, 'it waits');
    await inTime(() => pool.load.waiting === 0, 'it waits no more');
    const answer = await scanning;
    expect(answer.words).toMatch(
      /^no clamd was free in time; .* starting: closed without an answer/,
    );
    expect(answer).not.toHaveProperty('broke');
  });

  it('is not sent to a clamd that was refused, and is sent when it listens again', async () => {
    await start(1);
    await at(0).stop();
    const scanning = scan();
    await until(() => pool.load.waiting === 1, 'it waits');
    expect(states()).toEqual(['starting']);
    const port = Number(/\d+$/.exec(at(0).address.name)?.[0]);
    clamds[0] = await FakeClamd.start(undefined, port);
    await inTime(() => pool.load.waiting === 0, 'it is admitted');
    expect((await scanning).reply.kind).toBe('ok');
  });

  it('is tried elsewhere when its clamd stops answering, and nobody notices', async () => {
    await start(2);
    const scans: Promise<ClamdAnswer>[] = [];
    at(0).usual = { step: 'hang' };
    scans.push(scan());
    await until(() => at(0).open === 1, 'it is there');
    pool.start();
    await inTime(() => states()[0] === 'reloading', 'it is seen');
    expect(await Promise.all(scans)).toMatchObject([
      { reply: { kind: 'ok' }, endpoint: at(1).address.name },
    ]);
    expect(pool.status[0]?.inflight).toBe(1);
  });

  it('stays with the only clamd while that reloads, and is answered after it', async () => {
    await start(1);
    at(0).usual = { step: 'hold' };
    const scanning = scan();
    await until(() => at(0).held === 1, 'it is there');
    at(0).version = undefined;
    await pool.look();
    expect(states()).toEqual(['starting']);
    at(0).release();
    expect((await scanning).reply.kind).toBe('ok');
  });

  it('that lay there while its clamd was away does not make that clamd slow', async () => {
    await start(1);
    at(0).usual = { step: 'hold' };
    const scanning = scan();
    await until(() => at(0).held === 1, 'it is there');
    at(0).version = undefined;
    await pool.look();
    clock.advance(90_000);
    at(0).version = 'ClamAV 1.4.6/1/Thu Nov 20 2025';
    await pool.look();
    at(0).release();
    expect((await scanning).reply.kind).toBe('ok');
    expect(pool.load.latency.count).toBe(0);
    at(0).usual = { step: 'scan' };
    await scan();
    expect(pool.load.latency.count).toBe(1);
  });

  it('that breaks its scan is tried once elsewhere, and three in a row close the clamd', async () => {
    await start(2);
    at(0).usual = { step: 'close' };
    const answers: ClamdAnswer[] = [];
    for (let i = 0; i < 6; i++) answers.push(await scan());
    expect(answers.map(({ reply }) => reply.kind)).toEqual(Array(6).fill('ok'));
    // Every other one went there first, until it had broken three.
    expect([at(0).connections, told()]).toEqual([3, ['ready', 'ready', 'busy']]);
    at(0).usual = { step: 'scan' };
    pool.start();
    clock.advance(999);
    expect(states()[0]).toBe('busy');
    await inTime(() => states()[0] === 'ready', 'its canary was right');
    expect(pool.status[0]?.limit).toBe(1);
  });

  it('called clean by one that lies meanwhile is not clean', async () => {
    await start(2);
    at(0).usual = { step: 'hold' };
    const scanning = scan();
    await until(() => at(0).held === 1, 'it is there');
    Object.assign(at(0), { ofEicar: 'stream: OK\0', version: 'ClamAV 1.4.6/1/Thu Nov 20 2025' });
    await pool.look();
    expect(states()).toEqual(['lying', 'ready']);
    at(0).release();
    expect(await scanning).toMatchObject({ endpoint: at(1).address.name });
    for (let i = 0; i < 4; i++) expect((await scan()).endpoint).toBe(at(1).address.name);
  });

  it('called clean by the only one, which lies meanwhile, is not scanned', async () => {
    await start(1);
    at(0).usual = { step: 'hold' };
    const scanning = scan();
    await until(() => at(0).held === 1, 'it is there');
    Object.assign(at(0), { ofEicar: 'stream: OK\0', version: 'ClamAV 1.4.6/1/Thu Nov 20 2025' });
    await pool.look();
    at(0).release();
    const { reply, words } = await scanning;
    expect(reply.kind).toBe('failed');
    expect(words).toContain("'stream: OK', and it lies: called EICAR clean");
  });

  it('answered before its end makes its clamd a liar', async () => {
    await start(2);
    at(0).usual = { step: 'interrupt', words: 'stream: OK\0' };
    // Said when the first bytes have come: the last must not be under way by then.
    const blocks = Array.from({ length: 64 }, () => Buffer.alloc(65_536, 'y'));
    const source = { open: () => blocks, repeatable: true };
    const answer = await pool.scan(source, signal);
    expect(answer).toMatchObject({ reply: { kind: 'ok' }, endpoint: at(1).address.name });
    expect(told().slice(2, 3)).toEqual(['lying']);
  });

  it('more than may wait is not scanned', async () => {
    await start(1, { waitingMax: 2 });
    at(0).usual = { step: 'hold' };
    const scans = [scan(), scan(), scan()];
    await until(() => pool.load.waiting === 2, 'two wait');
    expect((await scan()).words).toMatch(/^the line for clamd is full/);
    at(0).usual = { step: 'scan' };
    at(0).release();
    await Promise.all(scans);
  });
});

describe('a clamd that comes back', () => {
  it('gets one stream, and more as it answers them', async () => {
    await start(1);
    at(0).usual = { step: 'hold' };
    const scans = Array.from({ length: 12 }, () => scan());
    const most: number[] = [];
    for (let answered = 0; answered < 12;) {
      await until(
        () => at(0).held > 0 && at(0).held === pool.load.inflight,
        'all that may are there',
      );
      most.push(at(0).held);
      answered += at(0).held;
      at(0).release();
      await until(() => at(0).held === 0 || pool.load.waiting === 0, 'they are answered');
      await until(() => pool.load.inflight === at(0).open, 'the next are on their way');
    }
    await Promise.all(scans);
    expect(most[0]).toBe(1);
    expect(Math.max(...most)).toBeLessThanOrEqual(5);
    expect(Math.max(...most)).toBeGreaterThan(2);
  });

  it('begins anew after it was away', async () => {
    await start(1);
    await warm();
    expect(pool.status[0]?.limit).toBe(8);
    at(0).version = undefined;
    await pool.look();
    at(0).version = 'ClamAV 1.4.6/1/Thu Nov 20 2025';
    await pool.look();
    expect(pool.status[0]).toMatchObject({ state: 'ready', limit: 1 });
  });

  it('is given half when a scan breaks', async () => {
    await start(1);
    await warm();
    at(0).script.push({ step: 'close' });
    await scan();
    expect(pool.status[0]).toMatchObject({ state: 'ready', limit: 4 });
  });
});

describe('a clamd that is drained', () => {
  const name = (): string => at(0).address.name;

  it('finishes what it has, and gets nothing new', async () => {
    await start(2);
    at(0).usual = { step: 'hold' };
    const held = scan();
    await until(() => at(0).held === 1, 'it is there');
    expect(pool.drain(name(), 60_000)).toMatchObject({
      draining: true,
      inflight: 1,
      state: 'ready',
    });
    for (let i = 0; i < 4; i++) expect((await scan()).endpoint).toBe(at(1).address.name);
    at(0).release();
    expect(await held).toMatchObject({ reply: { kind: 'ok' }, endpoint: name() });
    await until(() => pool.status[0]?.inflight === 0, 'it is empty');
  });

  it('gets mail again when it has shown its canary', async () => {
    await start(1);
    pool.drain(name(), 60_000);
    const waiting = scan();
    await until(() => pool.load.waiting === 1, 'mail waits');
    const { canaries } = at(0);
    expect(pool.resume(name())).toMatchObject({ draining: false, state: 'starting' });
    expect((await waiting).reply.kind).toBe('ok');
    expect(at(0).canaries).toBeGreaterThan(canaries);
    expect(events.filter(({ kind }) => kind === 'draining')).toEqual([
      { kind: 'draining', endpoint: name(), on: true },
      { kind: 'draining', endpoint: name(), on: false },
    ]);
  });

  it('gets none when it lies now', async () => {
    await start(1);
    pool.drain(name(), 60_000);
    at(0).ofEicar = 'stream: OK\0';
    pool.resume(name());
    await until(() => states()[0] === 'lying', 'it is found out');
    expect((await scan()).reply.kind).toBe('failed');
    expect(at(0).connections).toBe(0);
  });

  it('is so no longer than was said, and said again the time runs anew', async () => {
    await start(1);
    pool.drain(name(), 1000);
    clock.advance(600);
    expect(pool.drain(name(), 1000)?.drainedUntil).toBe(clock.now() + 1000);
    clock.advance(999);
    expect(pool.status[0]?.draining).toBe(true);
    clock.advance(1);
    expect(pool.status[0]?.draining).toBe(false);
    await until(() => states()[0] === 'ready', 'its canary was right');
  });

  it('that is not one of the pool is not known', async () => {
    await start(1);
    expect([pool.drain('unix:/x', 1000), pool.resume('unix:/x')]).toEqual([undefined, undefined]);
  });
});

describe('another configuration', () => {
  const settings = (...of: FakeClamd[]): PoolSettings =>
    settingsFor(
      of.map(({ address }) => address),
      { waitMs: 60_000 },
    );

  it('adds a clamd, which has to show its canary first', async () => {
    await start(1);
    const added = await FakeClamd.start();
    clamds.push(added);
    pool.adjust(settings(at(0), added));
    expect(pool.status).toMatchObject([
      { state: 'ready' },
      { state: 'starting', detail: 'not asked yet' },
    ]);
    expect((await scan()).endpoint).toBe(at(0).address.name);
    await pool.look();
    const used = new Set([(await scan()).endpoint, (await scan()).endpoint]);
    expect(used.size).toBe(2);
  });

  it('leaves one out, which finishes what it has', async () => {
    await start(2);
    at(0).usual = { step: 'hold' };
    const held = scan();
    await until(() => at(0).held === 1, 'it is there');
    pool.adjust(settings(at(1)));
    expect(pool.status.map(({ endpoint }) => endpoint)).toEqual([at(1).address.name]);
    for (let i = 0; i < 3; i++) expect((await scan()).endpoint).toBe(at(1).address.name);
    expect(pool.load.inflight).toBe(1);
    at(0).release();
    expect(await held).toMatchObject({ reply: { kind: 'ok' }, endpoint: at(0).address.name });
    await until(() => pool.load.inflight === 0, 'nothing is left');
  });

  it('keeps what is known of one that stays, and who waits, waits on', async () => {
    await start(1);
    await warm();
    pool.drain(at(0).address.name, 60_000);
    const waiting = scan();
    await until(() => pool.load.waiting === 1, 'it waits');
    pool.adjust({ ...settings(at(0)), inflightMax: 3 });
    expect(pool.status[0]).toMatchObject({ state: 'ready', draining: true, limit: 3 });
    expect(pool.load.waiting).toBe(1);
    pool.resume(at(0).address.name);
    expect((await waiting).reply.kind).toBe('ok');
  });

  it('without any clamd that could be waited for lets nobody wait', async () => {
    await start(1);
    pool.drain(at(0).address.name, 60_000);
    const waiting = scan();
    await until(() => pool.load.waiting === 1, 'it waits');
    const liar = await FakeClamd.start();
    clamds.push(liar);
    liar.ofEicar = 'stream: OK\0';
    pool.adjust(settings(liar));
    expect((await waiting).words).toMatch(/lying/);
  });
});

it('a change of signatures lets no old answer live that a liar gave', async () => {
  await start(1);
  const before = pool.versions.generation;
  expect(before).toBeDefined();
  clock.advance(300_000);
  at(0).ofEicar = 'stream: OK\0';
  await pool.look();
  expect(states()).toEqual(['lying']);
  expect(pool.versions.generation).not.toBe(before);
});

it('old signatures are known by the clamd that has them', async () => {
  clamds.push(await FakeClamd.start(), await FakeClamd.start());
  clock = new FakeClock(Date.UTC(2025, 11, 1));
  at(0).version = 'ClamAV 1.4.6/1/Thu Nov 20 2025';
  at(1).version = 'ClamAV 1.4.6/2/Sun Nov 30 2025';
  pool = await readyPool(
    clamds.map(({ address }) => address),
    { clock, observe },
  );
  expect(clamds.map(({ address }) => pool.hasOldSignatures(address.name))).toEqual([true, false]);
  expect(events.filter(({ kind }) => kind === 'old-signatures')).toHaveLength(1);
});
