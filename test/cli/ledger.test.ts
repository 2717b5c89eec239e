import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import type { LedgerActions } from '../../src/daemon/control-ledger.ts';
import type { HandSettlement } from '../../src/engine/hand-settlement.ts';
import { OperationalError } from '../../src/errors.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import { openLedgerReader } from '../../src/store/ledger-reader.ts';
import type { LedgerEntry } from '../../src/store/ledger.ts';
import { tomlWith } from '../support/config-file.ts';
import { startControl, type TestControl } from '../support/control.ts';
import { entry, LedgerBench, writeLedger } from '../support/ledgers.ts';
import { runCli } from '../support/run-cli.ts';

const hour = 3_600_000;

let bench: LedgerBench;
let config: string;
let socket: string;
let daemon: TestControl | undefined;

beforeEach(async () => {
  bench = await LedgerBench.make();
  socket = `${bench.directory}/control.sock`;
  configure();
});
afterEach(async () => {
  await daemon?.control.close();
  daemon = undefined;
  await bench.remove();
});

function configure(more = ''): void {
  config = `${bench.directory}/c.toml`;
  const tables = `[control]\naddress = "unix:${socket}"\n[ledger]\nfile = "${bench.file}"\n${more}`;
  writeFileSync(config, tomlWith(tables));
}

const run = (...args: string[]) =>
  runCli(['-c', config, 'ledger', ...args], { clock: systemClock });

/** Nobody has it open. */
function holding(...entries: LedgerEntry[]): void {
  writeLedger(bench.file, entries);
}

function states(): string[] {
  const reader = openLedgerReader(bench.file);
  const all = [...reader.entries()].map(({ recipient, state }) => `${recipient} ${state}`);
  reader.close();
  return all;
}

const delivered = { state: 'delivered', reply: reply(250, '2.0.0', 'Ok: queued as N1') } as const;
const inDoubt = entry({ state: 'in-doubt', nextQueueId: 'N1' });

describe('list', () => {
  test('has a line for each entry', async () => {
    holding(entry(), entry({ attempt: 'a2', ...delivered, nextQueueId: 'N1' }));
    const { code, out, err } = await run('list');
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe(
      `QUEUE ID  CHANGED               STATE      TO               NEXT HOP HAS IT AS  ATTEMPT
4Xy1      1970-01-01T00:16:40Z  sending    you@example.org  -                   a1
4Xy1      1970-01-01T00:16:40Z  delivered  you@example.org  N1                  a2
`,
    );
  });

  test('of nothing says so', async () => {
    holding();
    expect(await run('list')).toEqual({ code: 0, out: 'There is no such entry.\n', err: '' });
  });

  test('while the daemon has it open', async () => {
    const ledger = await bench.open();
    await ledger.commit([{ kind: 'begin', entries: [entry()] }]);
    expect((await run('list')).out).toContain('a1');
  });

  test.each([
    ['all', [], ['a1', 'a2', 'a3', 'a4']],
    ['of a state', ['--state', 'sending'], ['a1', 'a4']],
    ['of states', ['--state', 'in-doubt', '--state', 'delivered'], ['a2', 'a3']],
    ['of a message', ['--queue-id', '4Xy2'], ['a2']],
    ['for a recipient', ['--recipient', 'b@example.org'], ['a3']],
    ['old ones', ['--older', '90m'], ['a1', 'a2']],
    ['new ones', ['--newer', '90m'], ['a3', 'a4']],
    ['in between', ['--older', '1m', '--newer', '150m'], ['a2', 'a3']],
    ['that are all of it', ['--state', 'sending', '--newer', '1m'], ['a4']],
    ['the last', ['--limit', '1'], ['a4']],
    ['the last three', ['--limit', '3'], ['a2', 'a3', 'a4']],
    ['as many as there are', ['--limit', '4'], ['a1', 'a2', 'a3', 'a4']],
  ])('%s', async (_, args, expected) => {
    const ago = (hours: number) => ({ changed: Date.now() - hours * hour });
    holding(
      entry({ ...ago(3) }),
      entry({ attempt: 'a2', queueId: '4Xy2', state: 'in-doubt', ...ago(2) }),
      entry({ attempt: 'a3', recipient: 'b@example.org', state: 'delivered', ...ago(1) }),
      entry({ attempt: 'a4', ...ago(0) }),
    );
    const { out } = await run('list', '--json', ...args);
    const { entries, more } = JSON.parse(out) as { entries: LedgerEntry[]; more: number };
    expect(entries.map(({ attempt }) => attempt)).toEqual(expected);
    expect(more).toBe(args[0] === '--limit' ? 4 - expected.length : 0);
  });

  test('shows the newest hundred, and says how many more there are', async () => {
    const many = Array.from({ length: 103 }, (_, n) => entry({ attempt: `n${n}` }));
    holding(...many);
    const lines = (await run('list')).out.trimEnd().split('\n');
    expect(lines).toHaveLength(102);
    expect([lines[1], lines[100]].map((line) => line?.split(' ').at(-1))).toEqual(['n3', 'n102']);
    expect(lines[101]).toBe('3 older ones are not shown (--limit).');
  });

  test.each([
    ['--state', 'lost'],
    ['--older', 'long'],
    ['--newer', '5'],
    ['--limit', '0'],
    ['--limit', 'x'],
  ])('%s %s is a wrong command line', async (...args) => {
    expect((await run('list', ...args)).code).toBe(64);
  });

  test('nothing that a message smuggled in reaches the terminal', async () => {
    holding(entry({ recipient: '\u001b[2J@example.org' }));
    expect((await run('list')).out).toContain('\\u001b[2J@example.org');
  });

  test('of a ledger that is not there fails, and leaves none there', async () => {
    expect((await run('list')).code).toBe(74);
    expect(readdirSync(bench.directory)).toEqual(['c.toml']);
  });

  test('without a ledger by configuration says so', async () => {
    configure('enabled = false\n');
    const { code, err } = await run('list');
    expect([code, err]).toEqual([78, 'clamgate: there is no ledger: [ledger] enabled is false\n']);
  });
});

describe('show', () => {
  test('tells all of a message, or of an attempt', async () => {
    holding(
      entry({ ...inDoubt, orcpt: 'rfc822;you' }),
      entry({ attempt: 'a2', ...delivered, orcpt: 'rfc822;you', nextQueueId: 'N2' }),
      entry({
        attempt: 'a3',
        recipient: 'b@example.org',
        state: 'quarantined',
        quarantineId: 'K1',
      }),
    );
    const message = (await run('show', '4Xy1')).out;
    for (const word of ['a1', 'a2', 'a3', 'rfc822;you', 'N1', 'N2', 'K1', '127.0.0.1:10025']) {
      expect(message).toContain(word);
    }
    expect(message).toContain('1970-01-01T00:16:40.000Z');
    expect(message).toContain('250 2.0.0 Ok: queued as N1');
    const attempt = (await run('show', 'a1')).out;
    expect(attempt).not.toContain('K1');
    expect(attempt).not.toContain('b@example.org');
    // By the other attempt, which is not shown.
    expect(attempt).toMatch(/you@example\.org +d{12}\.\.\. +answered 250 2\.0\.0 Ok: queued as N1/);
  });

  test.each<[string, Partial<LedgerEntry>, RegExp]>([
    ['retry', delivered, /answered 250 2\.0\.0 Ok: queued as N1, and not sent$/m],
    ['retry', { state: 'quarantined' }, /answered 250 2\.7\.0, and not sent: .* quarantine$/m],
    ['retry', { state: 'discarded' }, /answered 250 2\.7\.0, and not sent/],
    ['retry', { state: 'aborted' }, /sent: the next hop does not have it$/m],
    ['retry', { state: 'sending' }, /in doubt, and sent again/],
    ['hold', { state: 'sending' }, /in doubt, and answered 451 4\.3\.0 until it is settled/],
    ['retry', { state: 'prepared', nextQueueId: 'N1' }, /witness is asked for N1.*sent again/],
    ['retry', { state: 'in-doubt' }, /\.\.\. +it is in doubt, and sent again/],
    ['hold', { state: 'in-doubt', nextQueueId: 'N1' }, /asked for N1.*451 4\.3\.0 until/],
  ])('with in_doubt = %s, a retry of %j', async (rule, changes, words) => {
    configure(`in_doubt = "${rule}"\n`);
    holding(entry(changes));
    expect((await run('show', '4Xy1')).out).toMatch(words);
  });

  test('finds no other', async () => {
    holding(entry());
    const { code, err } = await run('show', '4Xy9');
    expect([code, err]).toEqual([1, 'clamgate: the ledger has no message and no attempt 4Xy9\n']);
  });
});

describe('settle, without a daemon', () => {
  test.each([
    ['--delivered', 'delivered', 'answered 250 2.0.0 Ok: settled by the operator, and not sent'],
    ['--aborted', 'aborted', 'sent: the next hop does not have it'],
  ])('%s', async (option, state, words) => {
    holding(inDoubt);
    expect(await run('settle', 'a1', option)).toEqual({
      code: 0,
      out: `4Xy1 to you@example.org: ${state}\na retry for you@example.org: ${words}\n`,
      err: '',
    });
    expect(states()).toEqual([`you@example.org ${state}`]);
  });

  test('what another attempt came to counts as well', async () => {
    holding(inDoubt, entry({ attempt: 'a2', ...delivered }));
    const { out } = await run('settle', 'a1', '--aborted');
    expect(out).toContain('a retry for you@example.org: answered 250 2.0.0 Ok: queued as N1');
  });

  test('for some recipients', async () => {
    const to = (recipient: string) => entry({ recipient, state: 'in-doubt' });
    holding(to('a'), to('b'), to('c'));
    const { code, err } = await run(
      ...['settle', 'a1', '--aborted', '--recipient', 'b', '--recipient', 'c', '--recipient', 'd'],
    );
    expect([code, states()]).toEqual([1, ['a in-doubt', 'b aborted', 'c aborted']]);
    expect(err).toBe('clamgate: nothing of a1 is sending, prepared or in doubt for d\n');
  });

  test.each([
    ['what is settled', 'a1'],
    ['what is not there', 'a9'],
  ])('not %s', async (_, attempt) => {
    holding(entry({ state: 'aborted' }));
    expect((await run('settle', attempt, '--delivered')).code).toBe(1);
    expect(states()).toEqual(['you@example.org aborted']);
  });

  test.each([[[]], [['--delivered', '--aborted']]])(
    '%j is a wrong command line',
    async (options) => {
      holding(inDoubt);
      expect((await run('settle', 'a1', ...options)).code).toBe(64);
      expect(states()).toEqual(['you@example.org in-doubt']);
    },
  );

  test('a socket that a killed daemon left is no daemon', async () => {
    holding(inDoubt);
    writeFileSync(socket, '');
    expect((await run('settle', 'a1', '--aborted')).code).toBe(0);
  });

  test('a ledger that somebody has open is left alone', async () => {
    const ledger = await bench.open();
    await ledger.commit([{ kind: 'begin', entries: [inDoubt] }]);
    const { code, err } = await run('settle', 'a1', '--aborted');
    expect([code, states()]).toEqual([74, ['you@example.org in-doubt']]);
    expect(err).toContain('another clamgate has the ledger open');
  });

  test('creates no ledger where there is none', async () => {
    expect((await run('settle', 'a1', '--aborted')).code).toBe(74);
    expect((await run('compact')).code).toBe(74);
    expect(readdirSync(bench.directory)).toEqual(['c.toml']);
  });
});

describe('while the daemon runs', () => {
  const orders: HandSettlement[] = [];
  let actions: LedgerActions;

  beforeEach(async () => {
    orders.length = 0;
    actions = {
      settle: (order) => {
        orders.push(order);
        return Promise.resolve({ kind: 'settled', entries: [entry({ state: order.state })] });
      },
      compact: () => Promise.resolve({ before: 81_920, after: 40_960 }),
    };
    holding(inDoubt);
    daemon = await startControl(
      socket,
      {},
      {
        settle: (order) => actions.settle(order),
        compact: () => actions.compact(),
      },
    );
  });

  test('it is the daemon who settles, and the file is left to it', async () => {
    const { code, out } = await run('settle', 'a1', '--delivered');
    expect([code, orders]).toEqual([0, [{ attempt: 'a1', state: 'delivered' }]]);
    expect(out).toContain('4Xy1 to you@example.org: delivered\n');
    expect(states()).toEqual(['you@example.org in-doubt']);
  });

  test('for the recipients that are named', async () => {
    await run('settle', 'a1', '--aborted', '--recipient', 'b+c@x', '--recipient', 'd');
    expect(orders).toEqual([{ attempt: 'a1', state: 'aborted', recipients: ['b+c@x', 'd'] }]);
  });

  test('what is at work is for later', async () => {
    actions = { ...actions, settle: () => Promise.resolve({ kind: 'at-work' }) };
    const { code, err } = await run('settle', 'a1', '--delivered');
    expect([code, err]).toEqual([75, expect.stringContaining('being handed over right now')]);
  });

  test('what it cannot do is said in its words, and not done here', async () => {
    const failure = new OperationalError('STORE', 'the disk is full');
    actions = { ...actions, settle: () => Promise.reject(failure) };
    const { code, err } = await run('settle', 'a1', '--delivered');
    expect([code, err]).toEqual([69, 'clamgate: 503 the disk is full\n']);
    expect(states()).toEqual(['you@example.org in-doubt']);
  });

  test('compact', async () => {
    expect((await run('compact')).out).toBe('80K before, 40K after\n');
  });
});

test('one that is there and does not answer is not gone round', async () => {
  holding(inDoubt);
  const other = createServer((peer) => peer.on('error', () => undefined).end('220 ESMTP\r\n'));
  other.listen(socket);
  await once(other, 'listening');
  expect((await run('settle', 'a1', '--aborted')).code).toBe(69);
  expect(states()).toEqual(['you@example.org in-doubt']);
  other.close();
});

test('compact, without a daemon, gives room back', async () => {
  const text = 'x'.repeat(5000);
  const many = Array.from({ length: 200 }, (_, n) =>
    entry({ attempt: `n${n}`, state: 'delivered', orcpt: text }),
  );
  const ledger = await bench.open();
  await ledger.commit([{ kind: 'begin', entries: many }]);
  await bench.pass(ledger, 12_000_000);
  await bench.close(ledger);
  const { code, out } = await run('compact', '--json');
  const { before, after } = JSON.parse(out) as { before: number; after: number };
  expect(code).toBe(0);
  expect(before).toBeGreaterThan(1_000_000);
  expect(after).toBeLessThan(200_000);
});
