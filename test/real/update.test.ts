/** `clamgate update` with real clamds: new signatures under a trickle of streams, bad ones, a death. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Canceller } from '../../src/cancel-signal.ts';
import { CliContext } from '../../src/cli/context.ts';
import { SocketQuestions } from '../../src/cli/update/clamd-questions.ts';
import { updateLimits } from '../../src/cli/update/limits.ts';
import { type StepReport, type UpdateReport, UpdateRun } from '../../src/cli/update/run.ts';
import { updateParts } from '../../src/cli/update.ts';
import { systemClock } from '../../src/clock.ts';
import { parseConfig } from '../../src/daemon/config.ts';
import { dial } from '../../src/scan/clamd-socket.ts';
import type { ClamdAddress } from '../../src/scan/clamd-address.ts';
import { scanStream } from '../../src/scan/clamd-stream.ts';
import { oneBlock } from '../../src/scan/stream-blocks.ts';
import { tomlWith } from '../support/config-file.ts';
import { eicar } from '../support/eicar.ts';
import { FakeControl } from '../support/fake-control.ts';
import { describeNeeding } from '../support/needs.ts';
import { PrivateClamd, unsignedDatabase, writeDatabase } from '../support/private-clamd.ts';
import { makeWorkdir, type Workdir } from '../support/workdir.ts';

const patienceMs = 120_000;
const { signal } = new AbortController();
/** clamd looks at nothing shorter than six bytes. */
const today = 'what is known since today';
const yesterday = 'what was known yesterday';
/** So many that a reload takes some tenths of a second. */
const bulk = 60_000;

describeNeeding(['clamd', 'root'], 'clamgate update', () => {
  let workdir: Workdir;
  let databases: string;
  let delivered: string;
  let clamds: PrivateClamd[];
  let control: FakeControl;
  const questions = new SocketQuestions(systemClock);

  beforeEach(() => {
    workdir = makeWorkdir();
    databases = join(workdir.path, 'databases');
    delivered = join(workdir.path, 'delivered');
    mkdirSync(databases);
    mkdirSync(delivered);
    writeDatabase(databases);
    writeFileSync(join(databases, 'bulk.hsb'), bulkSignatures());
    writeFileSync(join(databases, 'daily.cud'), unsignedDatabase(100, knows(yesterday)));
    clamds = [];
  });
  afterEach(async () => {
    await control.stop();
    for (const clamd of clamds) await clamd.close();
    await workdir.remove();
  });

  async function start(concurrent: 'yes' | 'no'): Promise<void> {
    // A blocking reload waits for scan threads that idle, so that their time is part of it.
    const settings = {
      DatabaseDirectory: databases,
      ConcurrentDatabaseReload: concurrent,
      IdleTimeout: '1',
    };
    clamds = await Promise.all([PrivateClamd.start(settings), PrivateClamd.start(settings)]);
    const socket = join(workdir.path, 'control.sock');
    control = await FakeControl.start(socket, names());
  }

  const names = (): string[] => clamds.map(({ unix }) => unix.name);

  interface Doing {
    /** Of [update], beside source "delivered". */
    readonly more?: string;
    /** Told of each step when it is over. */
    readonly tell?: (step: StepReport) => void;
    readonly calledOff?: Canceller;
  }

  async function update(doing: Doing = {}): Promise<UpdateReport> {
    const { more = '', tell = () => undefined, calledOff = new Canceller() } = doing;
    const source = more.includes('source') ? '' : 'source = "delivered"';
    const config = parseConfig(
      tomlWith(`[clamd]
endpoints = ${JSON.stringify(names())}
[control]
address = "unix:${join(workdir.path, 'control.sock')}"
[update]
${source}
delivered_directory = "${delivered}"
database_directory = "${databases}"
state_directory = "${join(workdir.path, 'state')}"
${more}`),
      'f',
    );
    mkdirSync(join(workdir.path, 'state'), { recursive: true });
    const output = { write: () => true };
    const context = new CliContext({ stdout: output, stderr: output, env: {}, clock: systemClock });
    const limits = { ...updateLimits, pollMs: 50, goneMs: 2000, unseenMs: 3000 };
    const parts = updateParts(context, config, calledOff.signal, limits);
    return new UpdateRun(parts, tell).run();
  }

  const versions = async (): Promise<(number | undefined)[]> =>
    Promise.all(
      clamds.map(async ({ unix }) => (await questions.version(unix, 5000, signal))?.database),
    );

  /** One after the other, to whichever is not drained; as the daemon would. */
  async function trickle(until: Promise<unknown>): Promise<{ sent: number; wrong: string[] }> {
    const wrong: string[] = [];
    const over = new AbortController();
    void until
      .finally(() => {
        over.abort();
      })
      .catch(() => undefined);
    let at = 0;
    for (; !over.signal.aborted; at++) {
      const { unix } = clamds.filter(({ unix: { name } }) => !control.isDrained(name))[at % 2] ??
        clamds.find(({ unix: { name } }) => !control.isDrained(name)) ?? { unix: undefined };
      if (!unix) {
        wrong.push('all are drained');
        break;
      }
      const text = at % 3 === 0 ? eicar : `harmless ${at}`;
      const words = await scanned(unix, text).catch(String);
      const expected = at % 3 === 0 ? / FOUND$/ : /^stream: OK$/;
      if (!expected.test(words)) wrong.push(`${unix.name}: ${words}`);
      await delay(5);
    }
    return { sent: at, wrong };
  }

  it.each<['yes' | 'no']>([['yes'], ['no']])(
    'brings what was delivered to one after the other (ConcurrentDatabaseReload %s)',
    async (concurrent) => {
      await start(concurrent);
      writeFileSync(join(delivered, 'daily.cud'), unsignedDatabase(101, knows(today)));
      const updated = update();
      const { sent, wrong } = await trickle(updated);
      const { end, endpoints, steps } = await updated;
      expect([sent > 20, wrong]).toEqual([true, []]);
      expect([end, endpoints.map(({ state }) => state)]).toEqual([
        'updated',
        ['updated', 'updated'],
      ]);
      expect(steps.find(({ step }) => step === 'check')).toMatchObject({
        outcome: 'done',
        text: expect.stringContaining('/101/'),
      });
      expect(await versions()).toEqual([101, 101]);
      const [a = '', b = ''] = names();
      expect(control.orders).toEqual([`drain ${a}`, `resume ${a}`, `drain ${b}`, `resume ${b}`]);
      for (const { unix } of clamds) {
        expect(await scanned(unix, today)).toMatch(/Added.* FOUND$/);
        expect(await scanned(unix, yesterday)).toBe('stream: OK');
      }
      expect((await update()).end).toBe('nothing-new');
    },
    patienceMs,
  );

  it(
    'signatures that VERSION does not tell of are waited for by the log',
    async () => {
      await start('yes');
      writeFileSync(join(delivered, 'others.hdb'), knows('a third party'));
      expect((await update()).endpoints).toMatchObject([
        { state: 'updated', before: 100, after: 100 },
        { state: 'updated', before: 100, after: 100 },
      ]);
      for (const { unix } of clamds) {
        expect(await scanned(unix, 'a third party')).toMatch(/ FOUND$/);
      }
    },
    patienceMs,
  );

  it.each<[string, string, RegExp]>([
    ['that does not load', 'nonsense\n', /Malformed database/],
    ['without EICAR', '', /they load, but EICAR: "stream: OK"/],
  ])(
    'a database %s is refused, and nothing is installed or reloaded',
    async (_, content, why) => {
      await start('yes');
      const name = content === '' ? ['test.hdb', 'test.ndb'] : ['bad.hdb'];
      for (const each of name) writeFileSync(join(delivered, each), content || knows('other'));
      if (content === '') writeFileSync(join(delivered, 'test.ndb'), 'Other:0:0:41414141414141\n');
      const before = clamds.map(({ log }) => log);
      const { end, steps } = await update();
      expect([end, steps.at(-1)?.step]).toEqual(['not-loadable', 'check']);
      expect(steps.at(-1)?.text).toMatch(why);
      expect(control.told).toEqual([]);
      const told = clamds.map(({ log }, at) => log.slice(before[at]?.length));
      expect(told.filter((log) => log.includes('Reading databases'))).toEqual([]);
      for (const { unix } of clamds) expect(await scanned(unix, eicar)).toMatch(/ FOUND$/);
    },
    patienceMs,
  );

  it.each<['yes' | 'no']>([['yes'], ['no']])(
    'one that dies while it loads ends it, and the other keeps what it has (concurrent %s)',
    async (concurrent) => {
      await start(concurrent);
      writeFileSync(join(delivered, 'daily.cud'), unsignedDatabase(101, knows(today)));
      const [first, second] = clamds;
      const { end, endpoints, steps } = await update({
        more: 'check = "no"',
        tell: ({ step }) => {
          if (step === 'load') first?.kill();
        },
      });
      expect(end).toBe('not-back');
      expect(endpoints.map(({ state }) => state)).toEqual(['failed', 'not-reached']);
      expect(steps.at(-2)).toMatchObject({ step: 'ready', text: /process has ended/ });
      expect(control.orders.map((order) => order.split(' ')[0])).toEqual(['drain', 'resume']);
      if (second) expect((await questions.version(second.unix, 5000, signal))?.database).toBe(100);
    },
    patienceMs,
  );

  it.each<['yes' | 'no', RegExp]>([
    ['yes', /Database load failed: Malformed database/],
    ['no', /Database load failed: Malformed database|lost its signatures/],
  ])(
    'a bad database that nobody tried stops at the first (ConcurrentDatabaseReload %s)',
    async (concurrent, why) => {
      await start(concurrent);
      writeFileSync(join(databases, 'bad.hdb'), 'nonsense\n');
      const { end, steps } = await update({ more: 'source = "none"\ncheck = "no"' });
      expect(end).toBe('not-back');
      expect(steps.find(({ step }) => step === 'ready')?.text).toMatch(why);
      const [first, second] = clamds;
      if (second) expect(await scanned(second.unix, eicar)).toMatch(/ FOUND$/);
      // What clamd 1.4 is left as, so that whoever updates knows it again.
      const hollow = first && (await questions.version(first.unix, 5000, signal));
      expect(hollow?.isHollow).toBe(concurrent === 'no');
    },
    patienceMs,
  );

  it(
    'called off while one loads, it gives that back and touches no other',
    async () => {
      await start('yes');
      writeFileSync(join(delivered, 'daily.cud'), unsignedDatabase(101, knows(today)));
      const calledOff = new Canceller();
      const { end } = await update({
        calledOff,
        tell: ({ step }) => {
          if (step === 'load') calledOff.abort(new Error('SIGTERM'));
        },
      });
      expect(end).toBe('interrupted');
      const [a = ''] = names();
      expect(control.orders).toEqual([`drain ${a}`, `resume ${a}`]);
    },
    patienceMs,
  );
});

function knows(text: string): string {
  return `${createHash('md5').update(text).digest('hex')}:${text.length}:Added\n`;
}

function bulkSignatures(): string {
  const lines = Array.from({ length: bulk }, (_, at) => {
    const digest = createHash('sha256').update(String(at)).digest('hex');
    return `${digest}:${100 + (at % 5000)}:Bulk.${at}\n`;
  });
  return lines.join('');
}

async function scanned(address: ClamdAddress, text: string): Promise<string> {
  const dialling = { clock: systemClock, connectMs: 20_000 };
  const socket = await dial(address, dialling, signal);
  const blocks = { first: oneBlock([Buffer.from(text)]), rest: undefined };
  const bounds = { silenceMs: 20_000, streamBytesMax: 1e9, released: () => undefined };
  return (await scanStream(socket, blocks, { clock: systemClock, ...bounds }, signal)).words;
}
