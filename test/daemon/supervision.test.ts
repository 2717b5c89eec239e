import { beforeEach, expect, test } from '@jest/globals';
import { Supervision, type Silence } from '../../src/daemon/supervision.ts';
import type { SelfChecked } from '../../src/daemon/self-check.ts';
import { Notifier } from '../../src/daemon/systemd-notify.ts';
import { FakeClock } from '../support/fake-clock.ts';

const well: SelfChecked = { silent: [], unreached: [] };
const ready = {
  scanning: { storm: { on: false, detail: '' } },
  ready: true,
  reasons: [],
  clamd: [],
  load: { sessions: 0, transactions: 0, waiting: 0 },
};
const line = 'STATUS=Ready; clamd 0 of 0; sessions 0, at work 0, waiting 0';

let clock: FakeClock;
let said: string[];
let silences: Silence[];
let checked: () => Promise<SelfChecked>;
let status: () => Promise<typeof ready>;
let supervision: Supervision;
beforeEach(() => {
  clock = new FakeClock();
  said = [];
  silences = [];
  checked = () => Promise.resolve(well);
  status = () => Promise.resolve(ready);
  supervision = newSupervision(60_000);
});

function newSupervision(watchdogMs: number | undefined): Supervision {
  const say = (assignments: readonly string[]): Promise<void> => {
    said.push(assignments.join(' ').replace(/(MONOTONIC_USEC)=\d+/, '$1=n'));
    return Promise.resolve();
  };
  return new Supervision({
    notifier: new Notifier(say, (detail) => said.push(detail)),
    clock,
    watchdogMs,
    status: () => status(),
    selfCheck: () => checked(),
    onSilence: (silence) => silences.push(silence),
  });
}

/** What was said since it was asked last, once everything has run that can. */
async function heard(): Promise<string[]> {
  await new Promise(setImmediate);
  return said.splice(0);
}

test('ready is said once, then that we are alive four times in the time of the watchdog', async () => {
  supervision.ready();
  expect(await heard()).toEqual(['READY=1 STATUS=Listening', `WATCHDOG=1 ${line}`]);
  clock.advance(14_999);
  expect(await heard()).toEqual([]);
  clock.advance(1);
  expect(await heard()).toEqual([`WATCHDOG=1 ${line}`]);
});

test('where nobody watches the line is told all the same', async () => {
  supervision = newSupervision(undefined);
  supervision.ready();
  await heard();
  clock.advance(15_000);
  expect(await heard()).toHaveLength(1);
});

test('a listener that does not answer is no life, and is told once', async () => {
  checked = () => Promise.resolve({ silent: ['a'], unreached: [] });
  supervision.ready();
  await heard();
  clock.advance(15_000);
  expect(await heard()).toEqual([expect.stringMatching(/^STATUS=Ready; .*; a does not answer$/)]);
  expect(silences).toEqual([{ address: 'a', fatal: true }]);
  checked = () => Promise.resolve(well);
  clock.advance(15_000);
  expect(await heard()).toEqual([`WATCHDOG=1 ${line}`]);
});

test('one that was never reached is told, and kills nobody', async () => {
  checked = () => Promise.resolve({ silent: [], unreached: ['a'] });
  supervision.ready();
  await heard();
  clock.advance(15_000);
  expect(await heard()).toEqual([expect.stringMatching(/^WATCHDOG=1 STATUS=.*a does not answer$/)]);
  expect(silences).toEqual([{ address: 'a', fatal: false }]);
});

test('a check that does not end is no life', async () => {
  checked = () => new Promise<never>(() => undefined);
  supervision.ready();
  clock.advance(600_000);
  expect(await heard()).toEqual(['READY=1 STATUS=Listening']);
});

test('a clamd that is slow to answer holds up the line and not the beat', async () => {
  const { promise, resolve } = Promise.withResolvers<typeof ready>();
  status = () => promise;
  supervision.ready();
  await heard();
  clock.advance(1000);
  expect(await heard()).toEqual(['WATCHDOG=1 STATUS=Starting']);
  resolve(ready);
  await heard();
  status = () => Promise.reject(new Error('broken'));
  clock.advance(15_000);
  expect(await heard()).toEqual([`WATCHDOG=1 ${line}`]);
});

test('a reload is said from its beginning to its end, and a refusal stays in the line', async () => {
  supervision.ready();
  await heard();
  supervision.reloading();
  supervision.reloaded('f:1 bad');
  const beginning = 'RELOADING=1 MONOTONIC_USEC=n STATUS=Reading the configuration';
  expect(await heard()).toEqual([
    beginning,
    'READY=1 STATUS=Reload refused: f:1 bad',
    `WATCHDOG=1 ${line}; reload refused: f:1 bad`,
  ]);
  supervision.reloading();
  supervision.reloaded();
  expect(await heard()).toEqual([beginning, 'READY=1 STATUS=Listening', `WATCHDOG=1 ${line}`]);
  clock.advance(15_000);
  expect(await heard()).toHaveLength(1);
});

test('while draining more time is asked for, and our doors may be closed', async () => {
  supervision.ready();
  await heard();
  checked = () => Promise.resolve({ silent: ['a'], unreached: [] });
  supervision.stopping();
  const more = `EXTEND_TIMEOUT_USEC=30000000 ${line}`;
  expect(await heard()).toEqual(['STOPPING=1 STATUS=Finishing what is at work', more]);
  clock.advance(5000);
  expect(await heard()).toEqual([more]);
  await supervision.close();
  clock.advance(60_000);
  expect([await heard(), silences, clock.pending]).toEqual([[], [], 0]);
});

test('a check that ends after our listeners were closed tells of nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<SelfChecked>();
  checked = () => promise;
  supervision.ready();
  supervision.stopping();
  resolve({ silent: ['a'], unreached: ['b'] });
  expect((await heard()).join()).not.toMatch(/does not answer/);
  expect(silences).toEqual([]);
});

test('the time of a reload is that of the monotonic clock, in microseconds', async () => {
  const notifier = new Notifier(
    (assignments) => {
      said.push(...assignments);
      return Promise.resolve();
    },
    () => undefined,
  );
  const parts = { notifier, clock, watchdogMs: undefined, status, selfCheck: checked };
  new Supervision({ ...parts, onSilence: () => undefined }).reloading();
  const [usec] = (await heard()).flatMap((one) => /^MONOTONIC_USEC=(\d+)$/.exec(one)?.[1] ?? []);
  expect(Math.abs(Number(usec) - Number(process.hrtime.bigint() / 1000n))).toBeLessThan(1e7);
});
