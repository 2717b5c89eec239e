import { beforeEach, describe, expect, test } from '@jest/globals';
import { MilterEngine, type MilterEngineParts } from '../../src/engine/milter-engine.ts';
import type { MilterTransaction } from '../../src/engine/milter-transaction.ts';
import { Scans } from '../../src/engine/scans.ts';
import { OperationalError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import { noLedger } from '../../src/store/no-ledger.ts';
import { WaitingLine } from '../../src/waiting-line.ts';
import { Parts } from './parts.ts';

const header = Buffer.from('Message-ID: <m@example.net>\r\n');
const rest = Buffer.from('\r\nbody\r\n');
const end = { queueId: '4F1', tooManyRecipients: false, canHold: true };
const infected = { kind: 'infected', stream: 'message', detail: 'Eicar-Test' } as const;

describe('MilterTransaction', () => {
  let parts: Parts;
  let line: WaitingLine;
  let scans: Scans;

  beforeEach(() => {
    parts = new Parts();
    line = new WaitingLine({ places: 1, waiting: 1, waitMs: 60_000 }, parts.clock);
    scans = new Scans({ scanner: parts.scanner, ledger: noLedger, clock: parts.clock });
  });

  function begin(over: Partial<MilterEngineParts> = {}, holds = false): MilterTransaction {
    const engine = new MilterEngine(
      { listener: 'unix:/milter', holds },
      { ...parts.engineParts({ line, scans }), ...over },
    );
    return engine.begin({ addr: '192.0.2.1' }, { address: 'a@example.net', parameters: [] });
  }

  async function arrive(transaction: MilterTransaction): Promise<void> {
    expect(await transaction.open()).toBeUndefined();
    transaction.recipient({ address: 'b@example.org', parameters: [] });
    await transaction.write(header);
    await transaction.write(rest);
  }

  async function expectNothingHeld(): Promise<void> {
    await scans.close();
    expect({ inside: line.inside, waiting: line.waiting, timers: parts.clock.pending }).toEqual({
      inside: 0,
      waiting: 0,
      timers: 0,
    });
    expect(parts.scanner.open).toBe(0);
    expect(parts.records).toHaveLength(1);
  }

  test('clean: taken, and told of by the queue id of this MTA', async () => {
    const transaction = begin();
    await arrive(transaction);
    expect(await transaction.finish(end)).toEqual({ kind: 'take', stamp: 'clamgate' });
    expect(parts.records[0]).toMatchObject({
      outcome: 'relayed',
      verdict: 'clean',
      queueId: '4F1',
      messageId: '<m@example.net>',
      size: header.length + rest.length,
      sender: 'a@example.net',
      recipients: [{ address: 'b@example.org' }],
    });
    await expectNothingHeld();
  });

  test.each([
    ['refuses', false, { kind: 'refuse', situation: 'infected' }, 'rejected'],
    ['holds', true, { kind: 'hold', reason: 'clamgate: infected' }, 'quarantined'],
  ] as const)('infected: it %s', async (_, holds, answer, outcome) => {
    parts.scanner.findings = [infected];
    const transaction = begin({}, holds);
    await arrive(transaction);
    expect(await transaction.finish(end)).toEqual(answer);
    expect(parts.records[0]).toMatchObject({ outcome, verdict: 'infected' });
    await expectNothingHeld();
  });

  test('an MTA that cannot hold is told no', async () => {
    parts.scanner.findings = [infected];
    const transaction = begin({}, true);
    await arrive(transaction);
    const answer = await transaction.finish({ ...end, canHold: false });
    expect(answer).toEqual({ kind: 'refuse', situation: 'infected' });
  });

  test.each([
    ['deadline_ms, where it is shorter', 5000, 5000],
    ['270 s, below the patience of Postfix', 480_000, 270_000],
  ])('the deadline is %s', async (_, deadlineMs, reachedMs) => {
    parts.scanner.hangs = true;
    const transaction = begin({ limits: { ...defaultLimits, deadlineMs } });
    await arrive(transaction);
    const answer = transaction.finish(end);
    parts.clock.advance(reachedMs - 1);
    await Promise.resolve();
    expect(parts.records).toEqual([]);
    parts.clock.advance(1);
    expect(await answer).toEqual({ kind: 'refuse', situation: 'deadline' });
    expect(parts.records[0]).toMatchObject({ outcome: 'deferred', situation: 'deadline' });
    await expectNothingHeld();
  });

  test('too large: no more is needed, and nothing is said of it as clean', async () => {
    const transaction = begin({ limits: { ...defaultLimits, messageBytesMax: header.length } });
    await transaction.open();
    await transaction.write(header);
    expect(transaction.needsNoMore).toBe(false);
    await transaction.write(rest);
    expect(transaction.needsNoMore).toBe(true);
    expect(await transaction.finish(end)).toEqual({ kind: 'refuse', situation: 'too-large' });
    await expectNothingHeld();
  });

  test('a header section that is too large', async () => {
    const transaction = begin({ limits: { ...defaultLimits, headerBytesMax: 10 } });
    await transaction.open();
    await transaction.write(header);
    expect(transaction.needsNoMore).toBe(true);
    await transaction.write(rest);
    expect(await transaction.finish(end)).toEqual({
      kind: 'refuse',
      situation: 'header-too-large',
    });
    await expectNothingHeld();
  });

  test('recipients that were not told of', async () => {
    const transaction = begin();
    await arrive(transaction);
    const answer = await transaction.finish({ ...end, tooManyRecipients: true });
    expect(answer).toEqual({ kind: 'refuse', situation: 'too-many-recipients' });
    await expectNothingHeld();
  });

  test('no spool: 452 at the end, however much still comes', async () => {
    const transaction = begin({
      openSpool: () => {
        throw new OperationalError('STORE', 'disk full');
      },
    });
    await arrive(transaction);
    expect(transaction.needsNoMore).toBe(true);
    expect(await transaction.finish(end)).toEqual({ kind: 'refuse', situation: 'store-failed' });
    expect(parts.records[0]).toMatchObject({ outcome: 'deferred', detail: 'disk full' });
    await expectNothingHeld();
  });

  test('a scanner that throws is no clean message', async () => {
    parts.scanner.throws = new Error('a bug');
    const transaction = begin();
    await arrive(transaction);
    expect(await transaction.finish(end)).toEqual({ kind: 'refuse', situation: 'impossible' });
    await expectNothingHeld();
  });

  test('busy: MAIL waits for 20 s, and is then refused', async () => {
    const leave = await line.enter(parts.stopping.signal);
    const transaction = begin();
    const opening = transaction.open();
    await Promise.resolve();
    parts.clock.advance(20_000);
    expect(await opening).toBe('busy');
    leave?.();
    expect(parts.records[0]).toMatchObject({ outcome: 'deferred', situation: 'busy' });
    await expectNothingHeld();
  });

  test('an envelope holds no place; its content does', async () => {
    const transaction = begin();
    await transaction.open();
    expect([line.inside, transaction.atWork]).toEqual([0, false]);
    await transaction.write(header);
    expect([line.inside, transaction.atWork]).toEqual([1, true]);
    await transaction.finish(end);
    expect([line.inside, transaction.atWork]).toEqual([0, false]);
  });

  test('busy when its content comes: refused at the end', async () => {
    const transaction = begin();
    await transaction.open();
    const leave = await line.enter(parts.stopping.signal);
    const writing = transaction.write(header);
    await Promise.resolve();
    parts.clock.advance(60_000);
    await writing;
    await transaction.write(rest);
    expect(await transaction.finish(end)).toEqual({ kind: 'refuse', situation: 'busy' });
    leave?.();
    await expectNothingHeld();
  });

  test('given up in the moment in which its place falls free, it gives that back', async () => {
    const transaction = begin();
    await transaction.open();
    const leave = await line.enter(parts.stopping.signal);
    const writing = transaction.write(header);
    await Promise.resolve();
    leave?.();
    transaction.abandon();
    await writing;
    expect(parts.records).toMatchObject([{ outcome: 'abandoned', size: 0 }]);
    await expectNothingHeld();
  });

  test('going down', async () => {
    const open = begin();
    await arrive(open);
    parts.stopping.abort();
    expect(await open.finish(end)).toEqual({ kind: 'refuse', situation: 'stopping' });
    expect(await begin().open()).toBe('stopping');
  });

  test.each([
    'before MAIL is answered',
    'in the envelope',
    'in line',
    'in the content',
    'while it is scanned',
  ])('given up %s, it holds nothing and is told of once', async (when) => {
    parts.scanner.hangs = true;
    const transaction = begin();
    const opening = transaction.open();
    let pending: Promise<unknown> | undefined = opening;
    let leave: (() => void) | undefined;
    if (when !== 'before MAIL is answered') await opening;
    if (when === 'in line') {
      leave = await line.enter(parts.stopping.signal);
      pending = transaction.write(header);
    } else if (when === 'in the content' || when === 'while it is scanned') {
      await transaction.write(header);
      await transaction.write(rest);
    }
    if (when === 'while it is scanned') pending = transaction.finish(end);
    transaction.abandon();
    await pending;
    leave?.();
    expect(parts.records[0]).toMatchObject({ outcome: 'abandoned' });
    await expectNothingHeld();
  });
});
