import { beforeEach, describe, expect, test } from '@jest/globals';
import { Engine, type EngineParts } from '../../src/engine/engine.ts';
import type { TransactionRecord } from '../../src/engine/record.ts';
import type { Transaction } from '../../src/engine/transaction.ts';
import { Cancelled, OperationalError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { render } from '../../src/listener/render.ts';
import type { Violations } from '../../src/protocol/smtp/data.ts';
import { reply } from '../../src/protocol/smtp/reply.ts';
import { Quarantine } from '../../src/store/quarantine.ts';
import { Spool } from '../../src/store/spool.ts';
import { defaultRules } from '../../src/verdict/rules.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { Scans } from '../../src/engine/scans.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { someHandovers } from '../support/handovers.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { StandInNextHop, StandInScanner } from '../support/stand-ins.ts';

const noViolations: Violations = {
  bareLf: false,
  bareCr: false,
  lineEnd: false,
  crDot: false,
  tooLarge: false,
};
const message = Buffer.from(
  'Received: from a (b [192.0.2.1])\r\n\tby mx (Postfix) with ESMTP id 4XyZ123456z1\r\n\tfor <b@example.org>; Sat, 21 Nov 2026 00:00:00 +0000 (UTC)\r\n' +
    'X-Virus-Scanned: forged\r\n folded\r\nMessage-ID: <m@example.net>\r\nSubject: s\r\n\r\nbody\r\n',
);
const found = { kind: 'infected', stream: 'message', detail: 'Eicar-Test' } as const;

describe('Transaction', () => {
  let clock: FakeClock;
  let files: MemoryFiles;
  let scanner: StandInScanner;
  let nextHop: StandInNextHop;
  let stopping: AbortController;
  let line: WaitingLine;
  let scans: Scans;
  let records: TransactionRecord[];

  beforeEach(() => {
    clock = new FakeClock();
    files = new MemoryFiles();
    scanner = new StandInScanner();
    nextHop = new StandInNextHop();
    stopping = new AbortController();
    line = new WaitingLine({ places: 1, waiting: 1, waitMs: 1000 }, clock);
    records = [];
    scans = new Scans({ scanner, ledger: noLedger, clock });
  });

  function engine(over: Partial<EngineParts> = {}, flavour: 'smtp' | 'lmtp' = 'smtp'): Engine {
    return new Engine(
      { listener: '127.0.0.1:10024', flavour, position: 'after-queue' },
      {
        clock,
        limits: defaultLimits,
        rules: defaultRules,
        banned: [],
        stamp: { enabled: true, text: 'clamgate' },
        line,
        hostname: 'filter.example.org',
        scans,
        handovers: someHandovers(clock),
        nextHop,
        quarantine: new Quarantine({ files, directory: '/q', clock, removed: () => undefined }),
        openSpool: () => new Spool({ files, directory: '/s', memoryBytes: 1000 }),
        newId: () => 'id1',
        stopping: stopping.signal,
        observe: (record) => records.push(record),
        ...over,
      },
    );
  }

  function begin(over?: Partial<EngineParts>, flavour?: 'smtp' | 'lmtp'): Transaction {
    const path = { address: 'a@example.net', parameters: [] };
    return engine(over, flavour).begin({ ident: 'IDENT' }, path);
  }

  async function toData(transaction: Transaction, recipients = ['b@example.org']): Promise<void> {
    await transaction.open();
    for (const address of recipients) await transaction.recipient({ address, parameters: [] });
    expect(transaction.data()).toBeUndefined();
  }

  async function send(transaction: Transaction, content = message): Promise<string[]> {
    await toData(transaction);
    await transaction.write(content);
    return said(await transaction.finish(noViolations));
  }

  function said(answers: Awaited<ReturnType<Transaction['finish']>>): string[] {
    return answers.map((answer) => {
      const { code, enhanced } = render(answer, 'after-queue');
      return `${code} ${enhanced ?? ''}`;
    });
  }

  /** What nobody waits for ends at the latest with the daemon. */
  async function expectScanToEndWith(orphans: Scans): Promise<void> {
    await orphans.close();
    expect([scanner.open, orphans.running]).toEqual([0, 0]);
  }

  /** Whatever ended it, nothing is held any more and it was told once. */
  function expectNothingHeld(): void {
    expect({ inside: line.inside, waiting: line.waiting }).toEqual({ inside: 0, waiting: 0 });
    expect({ deliveries: nextHop.open, timers: clock.pending }).toEqual({
      deliveries: 0,
      timers: 0,
    });
    expect(records).toHaveLength(1);
  }

  test('clean: relayed with our header on top and the forged one gone', async () => {
    expect(await send(begin())).toEqual(['250 2.0.0']);
    const text = message.toString().replace('X-Virus-Scanned: forged\r\n folded\r\n', '');
    expect(nextHop.sent[0]?.bytes.toString()).toBe(`X-Virus-Scanned: clamgate\r\n${text}`);
    expect(nextHop.sent[0]?.recipients).toEqual(['b@example.org']);
    expect(records[0]).toMatchObject({
      id: 'id1',
      outcome: 'relayed',
      verdict: 'clean',
      coverage: 'full',
      queueId: '4XyZ123456z1',
      messageId: '<m@example.net>',
      size: message.length,
    });
    expectNothingHeld();
  });

  test('with the header off, only the forged one is missing', async () => {
    await send(begin({ stamp: { enabled: false, text: '' } }));
    const text = message.toString().replace('X-Virus-Scanned: forged\r\n folded\r\n', '');
    expect(nextHop.sent[0]?.bytes.toString()).toBe(text);
  });

  test('infected: in quarantine, byte for byte, before 250 is said', async () => {
    scanner.findings = [found];
    const transaction = begin();
    expect(await send(transaction)).toEqual(['250 2.7.0']);
    expect(nextHop.sent).toEqual([]);
    const quarantine = new Quarantine({ files, directory: '/q', clock, removed: () => undefined });
    const [item] = await quarantine.list();
    expect(item).toMatchObject({ kind: 'whole', id: records[0]?.quarantineId });
    expect(records[0]).toMatchObject({ outcome: 'quarantined', verdict: 'infected' });
    expectNothingHeld();
  });

  test('infected and the quarantine cannot be written: 452, Postfix keeps it', async () => {
    scanner.findings = [found];
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    files.failAt({ at: 1, kind: 'ENOSPC', persistent: true });
    expect(said(await transaction.finish(noViolations))).toEqual(['452 4.3.1']);
    expect(nextHop.sent).toEqual([]);
    expectNothingHeld();
  });

  test('the disk fills while the content arrives: read to the end, then 452', async () => {
    const transaction = begin();
    await toData(transaction);
    files.failAt({ at: 1, kind: 'ENOSPC', persistent: true });
    await transaction.write(Buffer.alloc(2000, 'x'));
    expect(await transaction.write(Buffer.alloc(2000, 'x'))).toBeUndefined();
    expect(said(await transaction.finish(noViolations))).toEqual(['452 4.3.1']);
    expectNothingHeld();
  });

  test.each([
    ['a scanner that throws', () => (scanner.throws = new TypeError('bug')), '451 4.3.0'],
    [
      'a spool that cannot be read',
      () => (scanner.throws = new OperationalError('STORE', 'EIO')),
      '452 4.3.1',
    ],
    ['a failed scan', () => (scanner.findings = [{ ...found, kind: 'unavailable' }]), '451 4.7.1'],
    [
      'a next hop that is gone',
      () => (nextHop.dot = { kind: 'unreachable', detail: 'x' }),
      '451 4.4.1',
    ],
    ['no reply to the dot', () => (nextHop.dot = { kind: 'unknown', detail: 'x' }), '451 4.4.1'],
    [
      "the next hop's 4xx",
      () => (nextHop.dot = { kind: 'reply', reply: reply(450, '4.2.0', 'x') }),
      '450 4.2.0',
    ],
    [
      "the next hop's 5xx",
      () => (nextHop.dot = { kind: 'reply', reply: reply(554, '5.2.0', 'x') }),
      '554 5.2.0',
    ],
  ])('%s', async (_, arrange, expected) => {
    arrange();
    expect(await send(begin())).toEqual([expected]);
    expectNothingHeld();
  });

  test.each([
    [{ tooLarge: true }, '552 5.3.4'],
    [{ bareLf: true, lineEnd: true }, '550 5.6.11'],
    [{ bareCr: true, crDot: true }, '250 2.7.0'],
    [{ bareCr: true }, '250 2.0.0'],
  ])('violations %j', async (violations, expected) => {
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    const answers = await transaction.finish({ ...noViolations, ...violations });
    expect(said(answers)).toEqual([expected]);
    expect(nextHop.sent).toHaveLength(expected === '250 2.0.0' ? 1 : 0);
    expectNothingHeld();
  });

  test('a header section beyond its ceiling', async () => {
    const transaction = begin({ limits: { ...defaultLimits, headerBytesMax: 20 } });
    expect(await send(transaction)).toEqual(['552 5.3.4']);
    expectNothingHeld();
  });

  test('the deadline passes while clamd is silent: 451 4.4.7, nothing sent, the scan goes on', async () => {
    scanner.hangs = true;
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    const finishing = transaction.finish(noViolations);
    clock.advance(defaultLimits.deadlineMs);
    expect(said(await finishing)).toEqual(['451 4.4.7']);
    expect([nextHop.sent, scanner.open]).toEqual([[], 1]);
    await expectScanToEndWith(scans);
    expectNothingHeld();
  });

  test('the deadline passes while the next hop is slow: called off before the dot', async () => {
    nextHop.dot = 'hang';
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    const finishing = transaction.finish(noViolations);
    await new Promise(setImmediate);
    clock.advance(defaultLimits.deadlineMs);
    expect(said(await finishing)).toEqual(['451 4.4.7']);
    expectNothingHeld();
  });

  test('the peer goes away in mid-data, and during the scan', async () => {
    const inData = begin();
    await toData(inData);
    inData.abandon();
    expect(records[0]?.outcome).toBe('abandoned');
    await new Promise(setImmediate);
    expect(scanner.open).toBe(0);
    expectNothingHeld();

    records = [];
    scanner.hangs = true;
    const scanning = begin();
    await toData(scanning);
    await scanning.write(message);
    const finishing = scanning.finish(noViolations);
    scanning.abandon();
    expect(await finishing).toEqual([]);
    expect([records[0]?.outcome, nextHop.sent, scanner.open]).toEqual(['abandoned', [], 1]);
    await expectScanToEndWith(scans);
    expectNothingHeld();
  });

  test('the peer goes away while it waits at MAIL', async () => {
    const leave = await line.enter(new AbortController().signal);
    const transaction = begin();
    const opening = transaction.open();
    transaction.abandon();
    expect(await opening).toBeUndefined();
    leave?.();
    expectNothingHeld();
  });

  test('too busy: one waits, the next is told at once, the wait has an end', async () => {
    const leave = await line.enter(new AbortController().signal);
    const waiting = begin().open();
    expect(said([await begin().open()].filter((answer) => answer !== undefined))).toEqual([
      '451 4.3.2',
    ]);
    clock.advance(defaultLimits.transactionWaitMs);
    expect(said([await waiting].filter((answer) => answer !== undefined))).toEqual(['451 4.3.2']);
    leave?.();
    expect([line.inside, nextHop.open, records.length]).toEqual([0, 0, 2]);
  });

  test('MAIL refused by the next hop ends the transaction in its words', async () => {
    nextHop.mail = { kind: 'reply', reply: reply(553, '5.1.8', 'no such domain') };
    const answer = await begin().open();
    expect(answer && render(answer, 'after-queue')).toMatchObject({ code: 553, enhanced: '5.1.8' });
    expect(records[0]?.outcome).toBe('rejected');
    expectNothingHeld();
  });

  test('a refused recipient gets the next hop’s words and no copy', async () => {
    nextHop.recipient = (address) =>
      address.startsWith('bad')
        ? { kind: 'reply', reply: reply(550, '5.1.1', 'unknown') }
        : { kind: 'reply', reply: reply(250, '2.1.5', 'Ok') };
    const transaction = begin();
    await transaction.open();
    const bad = await transaction.recipient({ address: 'bad@example.org', parameters: [] });
    await transaction.recipient({ address: 'b@example.org', parameters: [] });
    expect(render(bad, 'after-queue')).toMatchObject({ code: 550, enhanced: '5.1.1' });
    transaction.data();
    await transaction.write(message);
    await transaction.finish(noViolations);
    expect(records[0]?.recipients).toEqual([
      {
        address: 'bad@example.org',
        outcome: 'rejected',
        reply: reply(550, '5.1.1', 'unknown'),
      },
      { address: 'b@example.org' },
    ]);
  });

  test('LMTP to LMTP: a reply for each recipient', async () => {
    nextHop = new StandInNextHop('lmtp');
    const transaction = begin({ nextHop }, 'lmtp');
    await toData(transaction, ['b@example.org', 'c@example.org']);
    await transaction.write(message);
    expect(await transaction.finish(noViolations)).toHaveLength(2);
  });

  test('SMTP to LMTP: one recipient at a time', async () => {
    nextHop = new StandInNextHop('lmtp');
    const transaction = begin({ nextHop });
    await transaction.open();
    const answers = await Promise.all(
      ['b@example.org', 'c@example.org'].map((address) =>
        transaction.recipient({ address, parameters: [] }),
      ),
    );
    expect(said(answers)).toEqual(['250 2.0.0', '452 4.5.3']);
  });

  test('going down: 451 at each step that was not past its dot', async () => {
    stopping.abort(new Cancelled('shutdown'));
    const answer = await begin().open();
    expect(said(answer ? [answer] : [])).toEqual(['451 4.3.2']);
    expectNothingHeld();

    stopping = new AbortController();
    records = [];
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    stopping.abort(new Cancelled('shutdown'));
    expect(said(await transaction.finish(noViolations))).toEqual(['451 4.3.2']);
    expectNothingHeld();
  });

  test('the drain time ends: what is under way is answered 451', async () => {
    scanner.hangs = true;
    const transaction = begin();
    await toData(transaction);
    await transaction.write(message);
    const finishing = transaction.finish(noViolations);
    transaction.shutDown();
    expect(said(await finishing)).toEqual(['451 4.3.2']);
    expectNothingHeld();
  });
});
